// `npm run lint`: types, lint rules (import arrows among them), formatting.
import { runTools } from './run.ts';

runTools(
  ['typescript/bin/tsc', '-p', '.'],
  ['typescript/bin/tsc', '-p', 'webview'],
  ['eslint/bin/eslint.js', '--max-warnings=0', '--cache', '--cache-location', '.cache/eslint', '.'],
  [
    'prettier/bin/prettier.cjs',
    '--check',
    '--cache',
    '--cache-location',
    '.cache/prettier',
    '--log-level=warn',
    '.',
  ],
);
