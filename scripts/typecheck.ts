import { runTools } from './run.ts';

runTools(['typescript/bin/tsc', '-p', '.'], ['typescript/bin/tsc', '-p', 'webview']);
