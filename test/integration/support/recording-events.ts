import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const INSTANCES = '/sys/kernel/tracing/instances';

/** Resolves when the events of a process are recorded in an instance of Probescope's: what it does from here on is in the trace. */
export async function whenRecording(pid: number, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (instances().some((name) => isRecording(name, pid))) return;
    await delay(50);
  }
  throw new Error(`nothing records the events of process ${pid}`);
}

function instances(): string[] {
  try {
    return readdirSync(INSTANCES);
  } catch {
    return [];
  }
}

function isRecording(name: string, pid: number): boolean {
  try {
    const pids = readFileSync(`${INSTANCES}/${name}/set_event_pid`, 'utf8').trim().split('\n');
    return (
      pids.includes(String(pid)) && readFileSync(`${INSTANCES}/${name}/tracing_on`, 'utf8').trim() === '1'
    );
  } catch {
    // gone between the two
    return false;
  }
}
