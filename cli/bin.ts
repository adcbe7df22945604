#!/usr/bin/env node
// `dist/cli.js`, what people call: runs the command line with what was compiled of it before.
import { join } from 'node:path';
import { runCompiled } from './compiled.ts';

const [word = '', ...args] = process.argv.slice(2);
const isCommand = /^[a-z]+$/.test(word) && !args.includes('--help') && !args.includes('-h');
runCompiled(join(__dirname, 'cli', 'main.js'), isCommand ? word : 'help');
