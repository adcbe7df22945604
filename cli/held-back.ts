import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * A command that waits for {@link release} before it is executed, so that it can be measured from its first instruction; it is
 * not executed at all when this process ends before.
 */
export async function heldBack(command: readonly string[]): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', 'read -r _ <&3 && exec "$@" 3<&-', 'sh', ...command], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  // the shell's own waiting would count if it began under the probes; it reads a byte at a time, from 3 put in place of 0
  while (child.exitCode === null && !/^\d+ 0x0 0x\w+ 0x1 /.test(textOf(`/proc/${child.pid ?? 0}/syscall`)))
    await new Promise((done) => setTimeout(done, 5));
  return child;
}

/** Lets the command of {@link heldBack} begin; once is enough. */
export function release(child: ChildProcess | undefined): void {
  const gate = child?.stdio[3];
  if (gate !== null && gate !== undefined && 'end' in gate && !gate.writableEnded) gate.end('\n');
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
