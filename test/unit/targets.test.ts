import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bootstrapLine } from '../../extension/core/targets/bootstrap.ts';
import { commandOn, quoteForShell, type Target } from '../../extension/core/targets/target.ts';
import { ProbeError } from '../../protocol/errors.ts';

const ssh = (host: string): Target => ({ kind: 'ssh', name: host, host });

test('a shell gives every quoted word back as it was', () => {
  const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
      const line = `printf '%s\\0' ${words.map(quoteForShell).join(' ')}`;
      const printed = execFileSync('sh', ['-c', line], { encoding: 'utf8' });
      expect(printed.split('\0').slice(0, -1)).toEqual(words);
    }),
    { numRuns: 60 },
  );
});

test('the classic ways of talking a shell into something else stay words', () => {
  const hostile = [
    '$(touch /tmp/x)',
    '`id`',
    '"; system("id"); "',
    "'; rm -rf /; '",
    '*/',
    'a\nb',
    '${HOME}',
    '~root',
    '!!',
    '\\',
  ];
  const line = `printf '%s\\0' ${hostile.map(quoteForShell).join(' ')}`;
  expect(execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(hostile);
  expect(() => quoteForShell('a\0b')).toThrow(ProbeError);
});

test('ssh is asked without a prompt, and a host is never taken for an option', () => {
  const { file, args } = commandOn(ssh('tracer@web-1'), ['sh', '-c', 'echo "a b"']);
  expect(file).toBe('ssh');
  expect(args).toContain('BatchMode=yes');
  expect(args.slice(-3)).toEqual(['--', 'tracer@web-1', `sh -c 'echo "a b"'`]);
  for (const host of ['-oProxyCommand=id', 'a b', 'a;b', "a'b", '', 'a\nb', '$(id)'])
    expect(() => commandOn(ssh(host), ['true'])).toThrow(ProbeError);
});

test('a template that runs ssh quotes the command once: ssh hands its words to a shell over there', () => {
  const target: Target = {
    kind: 'command',
    name: 'far',
    template: ['/usr/bin/ssh', '-J', 'bastion', 'far', '{}'],
  };
  expect(commandOn(target, ['sh', '-c', "echo '$HOME'; x=(1)"])).toEqual({
    file: '/usr/bin/ssh',
    args: ['-J', 'bastion', 'far', `sh -c 'echo '\\''$HOME'\\''; x=(1)'`],
  });
});

test('a template takes the command as words of its own', () => {
  const target: Target = { kind: 'command', name: 'web', template: ['docker', 'exec', '-i', 'web', '{}'] };
  expect(commandOn(target, ['sh', '-c', 'a b'])).toEqual({
    file: 'docker',
    args: ['exec', '-i', 'web', 'sh', '-c', 'a b'],
  });
  expect(() => commandOn({ ...target, template: [] }, ['x'])).not.toThrow();
  expect(() => commandOn({ ...target, template: ['{}'] }, ['x'])).toThrow(ProbeError);
});

test('lines of shell profiles are noise, whatever they say', () => {
  const nonce = 'probescope-1f';
  expect(bootstrapLine('Last login: Mon', nonce).kind).toBe('noise');
  expect(bootstrapLine('upload', nonce).kind).toBe('noise');
  expect(bootstrapLine('probescope-2f upload', nonce).kind).toBe('noise');
  expect(bootstrapLine('probescope-1f failed nonsense', nonce).kind).toBe('noise');
  expect(bootstrapLine('probescope-1f upload', nonce)).toEqual({ kind: 'upload' });
  expect(bootstrapLine('probescope-1f ready 20.1.0', nonce)).toEqual({
    kind: 'ready',
    nodeVersion: '20.1.0',
  });
  expect(bootstrapLine('probescope-1f failed disk-full ENOSPC: no space', nonce)).toEqual({
    kind: 'failed',
    code: 'disk-full',
    detail: 'ENOSPC: no space',
  });
});
