// `probescope COMMAND …`: picks the command's file. Each is loaded only when it is asked for.
import { exitCodes, type Command } from './command.ts';
import { runCommand, runToEnd } from './run-command.ts';

/** Every command: what it does in one line, and how it is loaded. */
const commands: Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>
> = {
  trace: {
    summary: 'measure calls, latency and callers of functions of a running program',
    load: async () => (await import('./trace.ts')).trace,
  },
  events: {
    summary: 'show tracepoints, system calls and probes as they happen',
    load: async () => (await import('./events.ts')).eventsCommand,
  },
  sources: {
    summary: 'list what can be observed on this host',
    load: async () => (await import('./sources.ts')).sourcesCommand,
  },
  stat: {
    summary: 'count software and hardware events at intervals',
    load: async () => (await import('./stat.ts')).statCommand,
  },
  run: {
    summary: 'run a bpftrace script, with its output as text, JSON or a recording',
    load: async () => (await import('./run.ts')).runCommand,
  },
  catalog: {
    summary: 'write what this host offers to scripts, as JSON',
    load: async () => (await import('./catalog.ts')).catalogCommand,
  },
  doctor: {
    summary: 'tell what can be traced on this host',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  logpoint: {
    summary: 'print values of expressions each time that a line is reached',
    load: async () => (await import('./logpoint.ts')).command,
  },
  usdt: {
    summary: 'list the USDT probes of a binary or a process',
    load: async () => (await import('./usdt.ts')).command,
  },
  detach: {
    summary: 'end everything that Probescope started on this host, hung helpers too',
    load: async () => (await import('./detach.ts')).detachCommand,
  },
  symbolize: {
    summary: 'tell function, file and line of addresses, inlined frames included',
    load: async () => (await import('./symbolize.ts')).command,
  },
  functions: {
    summary: 'list the functions of a binary with their bodies and inlined copies',
    load: async () => (await import('./functions.ts')).command,
  },
  resolve: {
    summary: 'tell where a function or line is in a binary, with the variables there',
    load: async () => (await import('./resolve.ts')).command,
  },
  format: {
    summary: 'put the white space of bpftrace scripts in order',
    load: async () => (await import('./format.ts')).formatCommand,
  },
  profile: {
    summary: 'sample where a process, a command or the machine spends its CPU time, into a recording',
    load: async () => (await import('./profile.ts')).command,
  },
  export: {
    summary: "write a recording's profile as SVG, folded stacks, speedscope, pprof, Chrome trace or CSV",
    load: async () => (await import('./export.ts')).command,
  },
  import: {
    summary: 'read a profile of another tool into a recording',
    load: async () => (await import('./import.ts')).command,
  },
  diff: {
    summary: 'compare two profiles, function by function or as a flame graph',
    load: async () => (await import('./diff.ts')).command,
  },
  query: {
    summary: 'run SQL on a recording',
    load: async () => (await import('./query.ts')).command,
  },
  check: {
    summary: 'check bpftrace scripts for a release and a target, without bpftrace and without root',
    load: async () => (await import('./check.ts')).checkCommand,
  },
  wrapper: {
    summary: 'install a narrow, root-owned way to run the engines without a password',
    load: async () => (await import('./wrapper.ts')).wrapper,
  },
};

function usage(): string {
  const width = Math.max(0, ...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `usage: probescope COMMAND [ARGUMENTS]\n\n${lines.join('\n')}\n\nprobescope COMMAND --help tells a command's own arguments.\n`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...args] = argv;
  if (name === '--help' || name === 'help' || name === '-h') {
    process.stdout.write(usage());
    return exitCodes.ok;
  }
  const entry = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry === undefined) {
    process.stderr.write(
      name === undefined ? usage() : `probescope: there is no command ${name}\n\n${usage()}`,
    );
    return exitCodes.usage;
  }
  return runCommand(name ?? '', await entry.load(), args);
}

runToEnd(main(process.argv.slice(2)));
