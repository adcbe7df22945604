import { targetFacts } from '../helper/host/facts.ts';
import { abilities, type Finding } from '../protocol/target.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';

export const doctor: Command = {
  usage: `usage: probescope doctor [--json]

Tells what can be traced on this host, each found by trying it. Exit 0 when functions can be traced (uprobes
attach), 1 when they cannot.`,

  async run(args) {
    const { values, positionals } = parseCommandLine(args, { json: { type: 'boolean' } });
    if (positionals.length > 0) throw new UsageError(`unexpected argument ${positionals[0]}`);
    const facts = await targetFacts();
    if (values.json) {
      process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
    } else {
      const { hostname, kernelRelease, arch, cpus, nodeVersion } = facts;
      process.stdout.write(
        `${hostname}: Linux ${kernelRelease} ${arch}, ${cpus} CPUs, Node ${nodeVersion}\n\n`,
      );
      const rows: [string, Finding][] = [
        ['privileges', facts.privilege],
        ['confinement', facts.confinement],
        ['bpftrace', facts.bpftrace],
        ['perf', facts.perf],
        ['tracefs', facts.tracefs],
        ['BTF', facts.btf],
        ...abilities.map((ability): [string, Finding] => [ability, facts.abilities[ability]]),
      ];
      for (const [name, finding] of rows) {
        process.stdout.write(`${finding.works ? 'yes' : 'no '}  ${name.padEnd(11)} ${finding.detail}\n`);
        if (!finding.works && finding.remedy !== undefined)
          process.stdout.write(`${' '.repeat(17)}${finding.remedy}\n`);
      }
    }
    return facts.abilities.uprobe.works ? exitCodes.ok : exitCodes.failed;
  },
};
