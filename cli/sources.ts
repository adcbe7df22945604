import { asProblem } from '../protocol/errors.ts';
import {
  type SourceDescription,
  type SourceKind,
  type SourceListing,
  sourceKinds,
} from '../protocol/events.ts';
import { type Command, UsageError, exitCodes, parseCommandLine } from './command.ts';
import { EventsService } from '../helper/sources/service.ts';

interface Row {
  readonly id: string;
  readonly refused?: string;
}

function rowsOf(listing: SourceListing, match: RegExp | undefined): Row[] {
  return listing.groups.flatMap(({ group, names, refused }) =>
    names.flatMap((name): Row[] => {
      const id = [listing.kind, ...(group === '' ? [] : [group]), name].join(':');
      if (match !== undefined && !match.test(id)) return [];
      return [refused === undefined ? { id } : { id, refused: refused.message }];
    }),
  );
}

function parseMatch(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`--match ${text}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parseKinds(text: string | undefined): readonly SourceKind[] {
  if (text === undefined) return sourceKinds;
  return text.split(',').map((name) => {
    const kind = sourceKinds.find((known) => known === name);
    if (kind === undefined) throw new UsageError(`there is no kind ${name}: ${sourceKinds.join(', ')}`);
    return kind;
  });
}

function describeText(description: SourceDescription): string {
  const { fields, prototype, refused, notes } = description;
  const width = Math.max(0, ...fields.map((field) => `${field.type} ${field.name}`.length));
  return [
    `  ${description.summary}`,
    ...(prototype === undefined ? [] : [`  ${prototype}`]),
    ...(refused === undefined ? [] : [`  cannot be traced here: ${refused.message}`]),
    ...fields.map((field) =>
      `    ${`${field.type} ${field.name}`.padEnd(width)}  ${field.sizeBytes} B  ${field.meaning ?? ''}`.trimEnd(),
    ),
    ...notes.map((note) => `  note: ${note}`),
  ].join('\n');
}

export const sourcesCommand: Command = {
  usage: `usage: probescope sources [--kind K[,K…]] [--match RE] [--fields] [--binary FILE]… [--json]

Lists what can be observed on this host. Kinds: ${sourceKinds.join(', ')}.
  --match RE      only ids that the regular expression matches
  --fields        with fields, prototypes and notes (with --json always one object a line)
  --binary FILE   also the USDT probes and functions of this binary
  --json          one JSON object a line: {"id", "refused"?} and with --fields everything known`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      kind: { type: 'string' },
      match: { type: 'string' },
      fields: { type: 'boolean' },
      binary: { type: 'string', multiple: true },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0)
      throw new UsageError(`${positionals[0]} is not expected: write --match ${positionals[0]}`);
    const match = parseMatch(values.match);
    const service = new EventsService({ emit: () => undefined });
    const { listings } = await service.listSources({
      kinds: parseKinds(values.kind),
      binaries: values.binary ?? [],
    });
    let count = 0;
    let problems = 0;
    const out: string[] = [];
    for (const listing of listings) {
      if (listing.problem !== undefined) {
        problems++;
        process.stderr.write(
          `probescope sources: ${listing.kind}: ${listing.problem.message} ${listing.problem.remedy ?? ''}\n`,
        );
      }
      for (const row of rowsOf(listing, match)) {
        count++;
        out.push(await line(service, row, values.fields === true, values.json === true));
      }
    }
    process.stdout.write(out.length === 0 ? '' : `${out.join('\n')}\n`);
    if (count === 0 && problems > 0) return exitCodes.failed;
    return count === 0 ? exitCodes.failed : exitCodes.ok;
  },
};

async function line(service: EventsService, row: Row, fields: boolean, json: boolean): Promise<string> {
  if (!fields)
    return json ? JSON.stringify(row) : row.refused === undefined ? row.id : `${row.id}  (refused)`;
  try {
    const description = await service.describeSource({ id: row.id });
    return json ? JSON.stringify(description) : `${row.id}\n${describeText(description)}`;
  } catch (thrown) {
    const problem = asProblem(thrown);
    return json ? JSON.stringify({ ...row, problem }) : `${row.id}\n  ${problem.message}`;
  }
}
