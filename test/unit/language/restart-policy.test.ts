import { expect, test, vi } from 'vitest';

// VS Code's own module exists in its host only; the policy uses nothing of it.
vi.mock('vscode', () => ({ l10n: {}, window: {}, workspace: {} }));
vi.mock('vscode-languageclient/node', () => ({
  LanguageClient: class {},
  TransportKind: {},
  CloseAction: { DoNotRestart: 1, Restart: 2 },
  ErrorAction: { Continue: 1 },
}));

test('a server that crashes is started again five times, then the user is told once', async () => {
  const { mostRestarts, RestartPolicy } = await import('../../../extension/editor/language-client.ts');
  const said: string[] = [];
  let gaveUp = 0;
  const policy = new RestartPolicy(
    (line) => said.push(line),
    () => gaveUp++,
  );
  const actions = Array.from({ length: mostRestarts + 1 }, () => policy.closed().action);
  expect(actions).toEqual([2, 2, 2, 2, 2, 1]);
  expect(said).toHaveLength(5);
  expect(said[4]).toContain('5 of 5');
  expect(gaveUp).toBe(1);
});
