import { readFileSync } from 'node:fs';
import { ProbeError } from '../protocol/errors.ts';
import { formatAddress, parseAddress } from '../helper/symbols/address.ts';
import { DebugInfo } from '../helper/symbols/debug-info.ts';
import { exitCodes, noteMissing, parseCommandLine, UsageError, type Command } from './command.ts';

export const command: Command = {
  usage: `usage: probescope symbolize BINARY [--json] [ADDRESS…|-]

Prints function, file, line and column of addresses, inlined frames innermost first, as llvm-symbolizer does.
Addresses are virtual addresses of the file: 0x… hexadecimal, 0b… binary, 0… octal, else decimal.
Without addresses, or with -, they are read from standard input, one a line.
  --json           one array: [{"address":"0x…","frames":[{"function","file","line","column","inlined"}]}]
  --debuginfod     look for missing debug information at the servers in DEBUGINFOD_URLS
?? and 0 stand for what is not known.`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      json: { type: 'boolean' },
      debuginfod: { type: 'boolean' },
    });
    const [binary, ...given] = positionals;
    if (binary === undefined) throw new UsageError('name a binary');
    const addresses =
      given.length === 0 || (given.length === 1 && given[0] === '-')
        ? addressesOfInput()
        : given.map((text) => {
            const address = parseAddress(text);
            if (address === undefined) throw new UsageError(`${text} is not an address: write 0x401136`);
            return address;
          });
    const info = await DebugInfo.open(binary, { debuginfod: values.debuginfod === true });
    info.demangleStyle = 'llvm';
    try {
      if (addresses.length > MANY) info.loadAll();
      write(info, addresses, values.json === true);
      noteMissing('symbolize', info.missing);
    } finally {
      info.close();
    }
    return exitCodes.ok;
  },
};

/** From so many addresses on, reading everything in one pass costs less than unit after unit. */
const MANY = 2000;

/** Longest piece of a line that a message repeats. */
const SHOWN = 40;

function addressesOfInput(): number[] {
  const addresses: number[] = [];
  const lines = readFileSync(0, 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text === '') continue;
    const address = parseAddress(text);
    if (address === undefined)
      throw new ProbeError({
        code: 'invalid-argument',
        message: `Line ${index + 1} of the input is no address: ${JSON.stringify(text.slice(0, SHOWN))}${text.length > SHOWN ? '…' : ''}.`,
        remedy: 'Write one address a line, as 0x401136.',
      });
    addresses.push(address);
  }
  return addresses;
}

/** Output is written in chunks: 100,000 addresses with inlined frames are 60 MB. */
const CHUNK = 1 << 20;

function write(info: DebugInfo, addresses: readonly number[], asJson: boolean): void {
  let text = asJson ? '[' : '';
  addresses.forEach((address, index) => {
    const frames = info.frames(address);
    if (asJson) {
      text += `${index === 0 ? '' : ','}\n${JSON.stringify({
        address: formatAddress(address),
        frames: frames.map(({ function: name, file, line, column, inlined }) => ({
          function: name,
          file,
          line,
          column,
          inlined,
        })),
      })}`;
    } else {
      for (const { function: name, file, line, column } of frames)
        text += `${name}\n${file}:${line}:${column}\n`;
      text += '\n';
    }
    if (text.length > CHUNK) {
      process.stdout.write(text);
      text = '';
    }
  });
  process.stdout.write(asJson ? `${text}\n]\n` : text);
}
