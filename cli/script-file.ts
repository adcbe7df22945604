import { readFile } from 'node:fs/promises';

/** What a script's file says, or why that cannot be known. */
export type ScriptText = { readonly text: string } | { readonly refusal: string };

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'this is a folder; name its files',
  EACCES: 'you may not read this file',
};

/** Reads a script; `-` is standard input. */
export async function readScript(path: string): Promise<ScriptText> {
  try {
    return { text: path === '-' ? await readStandardInput() : await readFile(path, 'utf8') };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { refusal: `${path}: ${reasons[code] ?? message}` };
  }
}

export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
