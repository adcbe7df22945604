import fc from 'fast-check';

/** What talks a shell, a script or a kernel file into something else, and what looks like something else. */
const fragments = [
  "'",
  '"',
  '`id`',
  '$(touch /tmp/x)',
  '${HOME}',
  '*/',
  '/*',
  '//',
  '#',
  '\n',
  '\r\n',
  '\t',
  '\\',
  '\\"',
  '"; system("id"); "',
  '" } BEGIN { system("id") } uprobe:"/x":"',
  "'; rm -rf /; '",
  ' && id',
  ' || true',
  ';',
  '|',
  '>',
  '<',
  '&',
  '*',
  '?',
  '{',
  '}',
  '%s%n',
  '-oProxyCommand=id',
  '--unsafe',
  '../',
  ' ',
  '\u0000',
  '\u001b[2J',
  '\u2028',
  '\u202e',
  '\u00a0',
  'ｓｙｓｔｅｍ（）',
  'ѕуѕtеm',
  '\u200b',
  '\ud800',
  'main',
  'a',
  '_Z3fooi',
  ':',
  ',',
  '=',
  '@',
  '/usr/bin/x',
] as const;

/** One hostile name or value: fragments joined, anything at all, or 64 KB of one fragment. */
export const hostile: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .array(fc.constantFrom(...fragments), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join('')),
  },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...fragments).map((part) => part.repeat(Math.ceil(65_536 / part.length))),
  },
);

/** How many of them each place is tried with. */
export const HOSTILE_RUNS = 500;
