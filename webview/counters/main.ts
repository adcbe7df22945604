import type { CounterInterval } from '../../protocol/events.ts';
import { startCounting } from '../shared/counting-start.ts';
import { CountersView } from './view.ts';
import '../shared/counting.css';
import './counters.css';

startCounting<CounterInterval>((root, post) => new CountersView(root, post));
