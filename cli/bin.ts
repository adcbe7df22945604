#!/usr/bin/env node
// `dist/cli.js`, what people call: runs the command line with what was compiled of it before.
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runCompiled } from '../extension/core/run-compiled.ts';

/**
 * V8 looks through a heap that has grown by 1 MB as soon as it lies idle, 8 s after the start, to give memory back: 35 ms of CPU time for 8 MB, of a command that ends
 * soon. Older ones do not know the flag. It is set before anything is compiled, for code is kept by flags.
 */
const LEAVE_SMALL_HEAPS = '--no-memory-reducer-for-small-heaps';
const LEAVES_SMALL_HEAPS = 13;
if (Number.parseInt(process.versions.v8) >= LEAVES_SMALL_HEAPS) setFlagsFromString(LEAVE_SMALL_HEAPS);

// each command runs other functions
const [word = '', ...args] = process.argv.slice(2);
const isCommand = /^[a-z]+$/.test(word) && !args.includes('--help') && !args.includes('-h');
const { keep } = runCompiled(join(__dirname, 'cli', 'main.js'), `cli-${isCommand ? word : 'help'}`);
// what fails runs less
process.once('exit', (exitCode) => {
  if (exitCode === 0) keep();
});
