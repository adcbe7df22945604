import type { SyscallSummary } from '../../protocol/syscalls.ts';
import { startCounting } from '../shared/counting-start.ts';
import { SyscallsView } from './view.ts';
import '../shared/counting.css';
import './syscalls.css';

startCounting<SyscallSummary>((root, post) => new SyscallsView(root, post));
