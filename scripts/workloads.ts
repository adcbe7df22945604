// Builds the programs of test/workloads into dist/workloads. A program is rebuilt when one of its sources is newer.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cache, repository } from './node24.mjs';

export const workloadsFolder = join(repository, 'test', 'workloads');
const builtFolder = join(repository, 'dist', 'workloads');

interface Workload {
  readonly compilers: readonly string[];
  readonly flags: readonly string[];
  /** For tests alone; built where its compiler is. */
  readonly isGo?: true;
}

const workloads = {
  shop: { compilers: ['gcc', 'cc'], flags: ['-pthread'] },
  deep: { compilers: ['gcc', 'cc'], flags: ['-pthread'] },
  stacks: { compilers: ['gcc', 'cc'], flags: [] },
  copies: { compilers: ['gcc', 'cc'], flags: ['-pthread'] },
  shapes: { compilers: ['g++', 'c++'], flags: [] },
  goroutines: { compilers: ['go'], flags: [], isGo: true },
} as const satisfies Record<string, Workload>;

export type WorkloadName = keyof typeof workloads;

/** Folder of a workload's sources. */
export const sourcesOf = (name: WorkloadName): string => join(workloadsFolder, name);

/** Path of a workload's program, built or not. */
export const programOf = (name: WorkloadName): string => join(builtFolder, name);

/**
 * Builds what is older than its sources. Paths in the debug information are absolute, so the editor finds the sources.
 * Throws with the compiler's own words.
 */
export function buildWorkload(name: WorkloadName): 'built' | 'up to date' {
  const folder = sourcesOf(name);
  const files = readdirSync(folder).map((file) => join(folder, file));
  const program = programOf(name);
  if (existsSync(program) && files.every((file) => statSync(file).mtimeMs < statSync(program).mtimeMs))
    return 'up to date';
  mkdirSync(builtFolder, { recursive: true });
  const { compilers, flags, isGo }: Workload = workloads[name];
  const sources = files.filter((file) => /\.(c|cpp|go)$/.test(file));
  // Frame pointers, because bpftrace walks user stacks by them.
  const ofC = ['-g', '-O2', '-Wall', '-Wextra', '-fno-omit-frame-pointer', ...flags];
  const args = [...(isGo === true ? ['build'] : ofC), '-o', program, ...sources];
  const env =
    isGo === true ? { ...process.env, GOCACHE: join(cache, 'go-build'), GO111MODULE: 'off' } : process.env;
  for (const compiler of compilers) {
    const { status, error } = spawnSync(compiler, args, { stdio: ['ignore', 2, 2], env });
    if (status === 0) return 'built';
    if (error === undefined) throw new Error(`${compiler} ended with ${status} for ${folder}`);
  }
  throw new Error(`no compiler was found for ${folder}: install ${compilers.join(' or ')}`);
}

/** Builds all that are in C and C++; the answer says for each what was done. */
export function buildWorkloads(): Readonly<Record<string, 'built' | 'up to date'>> {
  const names = (Object.keys(workloads) as WorkloadName[]).filter((name) => !('isGo' in workloads[name]));
  return Object.fromEntries(names.map((name) => [name, buildWorkload(name)]));
}
