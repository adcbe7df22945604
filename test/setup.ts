// Property tests draw the same inputs on every run, so that a red run means a change. `FUZZ_SEED=random` draws new ones.
import fc from 'fast-check';

const seed = process.env['FUZZ_SEED'];
if (seed !== 'random') fc.configureGlobal({ seed: seed === undefined ? 20_260_101 : Number(seed) });
