import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';

/** Includes deeper than this are OpenSSH's own limit (READCONF_MAX_DEPTH) and no loop. */
const MAX_DEPTH = 16;

/**
 * Names of hosts in the user's OpenSSH configuration (ssh_config(5)): the words of `Host` lines without patterns and
 * negations, with `Include` followed, in order and without repetition. What a name means is left to `ssh` itself.
 * A file that is not there or may not be read has no hosts.
 */
export async function sshHosts(file = join(homedir(), '.ssh', 'config')): Promise<string[]> {
  const hosts = new Set<string>();
  await collect(file, hosts, 0);
  return [...hosts];
}

async function collect(file: string, hosts: Set<string>, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) return;
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split(/\r?\n/)) {
    const [keyword, ...words] = wordsOf(line);
    if (keyword?.toLowerCase() === 'host') {
      for (const word of words) if (!/[*?!]/.test(word) && !word.startsWith('-')) hosts.add(word);
    } else if (keyword?.toLowerCase() === 'include') {
      for (const word of words)
        for (const included of await expand(word)) await collect(included, hosts, depth + 1);
    }
  }
}

/** The keyword and its arguments: one `=` may stand between, double quotes hold blanks, `#` begins a comment. */
function wordsOf(line: string): string[] {
  const [, keyword, rest] = /^\s*([^\s=#]+)(?:\s*=\s*|\s+)(.*)$/.exec(line) ?? [];
  if (keyword === undefined || rest === undefined) return [];
  const words = rest.match(/"[^"]*"|#.*|\S+/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith('#'));
  return [
    keyword,
    ...words.slice(0, comment < 0 ? undefined : comment).map((word) => word.replaceAll('"', '')),
  ];
}

/** Files of an `Include`: relative to ~/.ssh, `~` for home, `*` and `?` in the last part. */
async function expand(pattern: string): Promise<string[]> {
  const home = pattern.startsWith('~/') ? join(homedir(), pattern.slice(2)) : pattern;
  const path = isAbsolute(home) ? home : join(homedir(), '.ssh', home);
  if (!/[*?]/.test(basename(path))) return [path];
  const expression = basename(path)
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const names = await readdir(dirname(path)).catch(() => []);
  return names
    .filter((name) => new RegExp(`^${expression}$`).test(name))
    .sort()
    .map((name) => join(dirname(path), name));
}
