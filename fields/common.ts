import type { FilterField } from './filter/check.ts';

/** Fields that filters may name on every event; a field of the event with the same name wins. */
export const commonFields: readonly FilterField[] = [
  {
    name: 'comm',
    type: 'char[16]',
    column: 'text',
    display: { as: 'text' },
    sizeBytes: 16,
    signed: false,
    common: true,
  },
  {
    name: 'pid',
    type: 'int',
    column: 'i32',
    display: { as: 'number' },
    sizeBytes: 4,
    signed: true,
    common: true,
  },
  {
    name: 'tid',
    type: 'int',
    column: 'i32',
    display: { as: 'number' },
    sizeBytes: 4,
    signed: true,
    common: true,
  },
  {
    name: 'cpu',
    type: 'int',
    column: 'i32',
    display: { as: 'number' },
    sizeBytes: 4,
    signed: true,
    common: true,
  },
];

/** The fields a filter on an event may name. */
export function filterFields(own: readonly FilterField[]): FilterField[] {
  const taken = new Set(own.map((field) => field.name));
  return [...own, ...commonFields.filter((field) => !taken.has(field.name))];
}
