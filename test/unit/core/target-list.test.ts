import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { targetList } from '../../../extension/core/targets/configured.ts';
import { sshHosts } from '../../../extension/core/targets/ssh-config.ts';

test('hosts of an OpenSSH configuration, includes followed, patterns left out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-test-'));
  try {
    mkdirSync(join(folder, 'conf.d'));
    writeFileSync(join(folder, 'conf.d', '10-a.conf'), 'Host db-1 db-2\n');
    writeFileSync(join(folder, 'conf.d', '20-b.conf'), `Host=web\nInclude ${join(folder, 'config')}\n`);
    writeFileSync(join(folder, 'conf.d', 'other'), 'Host not-included\n');
    const config = join(folder, 'config');
    writeFileSync(
      config,
      `Include "${join(folder, 'conf.d')}/*.conf"\r\nHost * !bastion\r\n  User me # Host no\n  HOST  jump "odd name"\nMatch host x\nHost -oProxyCommand=id last\n`,
    );
    expect(await sshHosts(config)).toEqual(['db-1', 'db-2', 'web', 'jump', 'odd name', 'last']);
    expect(await sshHosts(join(folder, 'none'))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('targets have unique names, and entries that are none are told', () => {
  const { targets, refused } = targetList(
    [
      { name: 'web', command: ['docker', 'exec', '-i', 'web', '{}'] },
      { name: 'db', ssh: 'db.internal' },
      { name: 'db', ssh: 'other' },
      { name: 'both', ssh: 'x', command: ['y'] },
      { name: '' },
      null,
      7,
    ],
    ['web', 'edge'],
  );
  expect(targets.map(({ name, kind }) => [name, kind])).toEqual([
    ['local', 'local'],
    ['web', 'command'],
    ['db', 'ssh'],
    ['edge', 'ssh'],
  ]);
  expect(refused).toHaveLength(5);
  expect(targetList('nonsense', []).targets).toHaveLength(1);
});
