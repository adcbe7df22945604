#!/usr/bin/env node
// `dist/cli.js`, what people call: runs the command line with what was compiled of it before.
import { join } from 'node:path';
import { runCompiled } from '../extension/core/run-compiled.ts';

const [word = '', ...args] = process.argv.slice(2);

/**
 * V8 looks through a heap that has grown by 1 MB as soon as it lies idle, 8 s after the start, to give memory back: 35 ms of CPU time for 8 MB, of a command that ends
 * soon. Older ones do not know the flag. It is set before anything is compiled, for code is kept by flags.
 */
const LEAVE_SMALL_HEAPS = '--no-memory-reducer-for-small-heaps';
const LEAVES_SMALL_HEAPS = 13;
if (word !== 'symbolize' && Number.parseInt(process.versions.v8) >= LEAVES_SMALL_HEAPS)
  process.getBuiltinModule('node:v8').setFlagsFromString(LEAVE_SMALL_HEAPS);

// each command runs other functions
const isCommand = /^[a-z]+$/.test(word) && !args.includes('--help') && !args.includes('-h');
const bundle = word === 'symbolize' ? 'symbolize.js' : 'main.js';
const { keep } = runCompiled(join(__dirname, 'cli', bundle), `cli-${isCommand ? word : 'help'}`);
// what fails runs less
process.once('exit', (exitCode) => {
  if (exitCode === 0) keep();
});
