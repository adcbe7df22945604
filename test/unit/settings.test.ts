import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { settingDefaults } from '../../extension/platform/settings.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (file: string): unknown => JSON.parse(readFileSync(resolve(root, file), 'utf8'));

interface Contribution {
  readonly type: string;
  readonly default: unknown;
  readonly scope?: string;
  readonly order?: number;
  readonly markdownDescription?: string;
}
const manifest = read('package.json') as {
  contributes: { configuration: { properties: Record<string, Contribution> } };
};
const nls = read('package.nls.json') as Record<string, string>;
const properties = Object.entries(manifest.contributes.configuration.properties);

test('package.json declares exactly the settings that the code reads, with the same defaults', () => {
  expect(Object.fromEntries(properties.map(([name, { default: value }]) => [name, value]))).toEqual(
    Object.fromEntries(Object.entries(settingDefaults).map(([name, value]) => [`probescope.${name}`, value])),
  );
});

test('every setting has the type of its default, a scope, an order of its own and full sentences', () => {
  for (const [name, { type, default: value, scope, markdownDescription = '' }] of properties) {
    expect(type, name).toBe(Array.isArray(value) ? 'array' : typeof value);
    expect(scope, name).toBeDefined();
    expect(nls[markdownDescription.slice(1, -1)], name).toMatch(/^[A-Z].*\.$/s);
  }
  const orders = properties.map(([, { order }]) => order);
  expect(new Set(orders).size).toBe(orders.length);
});
