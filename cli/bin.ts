#!/usr/bin/env node
// `dist/cli.js`, what people call: the code cache must be on before the code that it keeps is read.
import { createRequire } from 'node:module';
import { keepCompiledCode } from './compile-cache.ts';

keepCompiledCode();
createRequire(__filename)('./cli/main.js');
