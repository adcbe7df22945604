// `dist/cli/symbolize.js`: that command alone. A process that answers one address loads code for most of its time, and this is a
// quarter of all commands' code.
import { runCommand, runToEnd } from './run-command.ts';
import { command } from './symbolize.ts';

runToEnd(runCommand('symbolize', command, process.argv.slice(3)));
