import { buildCatalog } from '../helper/kernel/catalog.ts';
import { type KernelTypes, readKernelTypes } from '../helper/kernel/functions.ts';
import { Tracepoints, findTracefs } from '../helper/kernel/tracefs.ts';
import { asProblem } from '../protocol/errors.ts';
import { type Command, exitCodes, parseCommandLine } from './command.ts';

/** Runs `read`; what it cannot have is told on standard error, and the catalog is written without it. */
async function orTell<T>(what: string, read: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    const { message, remedy } = asProblem(thrown);
    process.stderr.write(
      `probescope catalog: without ${what}: ${message}${remedy === undefined ? '' : ` ${remedy}`}\n`,
    );
    return undefined;
  }
}

export const catalogCommand: Command = {
  usage: `usage: probescope catalog > FILE.json

Writes what this host offers to scripts: tracepoints with their fields, kernel functions with prototypes, structs,
enumerations and typedefs. “probescope check --catalog FILE.json” and the editor use it for this host from anywhere.`,
  async run(args) {
    parseCommandLine(args, {});
    const tracepoints = await orTell('tracepoints', async () => new Tracepoints((await findTracefs()).root));
    const types = await orTell<KernelTypes>('kernel types', () => readKernelTypes());
    const catalog = await buildCatalog({
      ...(tracepoints === undefined ? {} : { tracepoints }),
      ...(types === undefined ? {} : { types }),
    });
    process.stdout.write(`${JSON.stringify(catalog)}\n`);
    return tracepoints === undefined && types === undefined ? exitCodes.failed : exitCodes.ok;
  },
};
