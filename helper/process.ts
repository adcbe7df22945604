// The helper's process: JSON-RPC on standard input and output, until the client goes.
import { startService } from './service.ts';

const { ended } = startService({ input: process.stdin, output: process.stdout }, { searchEntry: __filename });
process.title = 'probescope-helper';
// what keeps this process small is not meant for engines (leanMalloc of bootstrap.ts)
for (const name of ['MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_']) Reflect.deleteProperty(process.env, name);
// A client that asks by a signal means the same as one that goes: sessions end with our standard input.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => process.stdin.destroy());
// The engines end by their supervisors; detaching many probes takes the kernel seconds, which nobody has to wait for.
const LONGEST_FAREWELL_MS = 1000;
const timer = new Promise<void>((resolve) => {
  process.stdin.once('close', () => setTimeout(resolve, LONGEST_FAREWELL_MS));
});
void Promise.race([ended, timer]).finally(() => process.exit(0));
