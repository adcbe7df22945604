import { targetFacts } from '../helper/host/facts.ts';
import { findingsOf } from '../extension/core/targets/findings.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';

/** Of the longest name of a finding. */
const WIDTH = 15;

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
      for (const { name, finding } of findingsOf(facts)) {
        process.stdout.write(`${finding.works ? 'yes' : 'no '}  ${name.padEnd(WIDTH)} ${finding.detail}\n`);
        if (!finding.works && finding.remedy !== undefined)
          process.stdout.write(`${' '.repeat(WIDTH + 6)}${finding.remedy}\n`);
      }
    }
    return facts.abilities.uprobe.works ? exitCodes.ok : exitCodes.failed;
  },
};
