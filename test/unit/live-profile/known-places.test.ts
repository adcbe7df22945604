import { expect, test } from 'vitest';
import { KnownPlaces } from '../../../helper/profile/known-places.ts';

test('a place is known to its owner, and apart where it is returned to', () => {
  const places = new KnownPlaces<number>(10);
  places.of(1).set('1161 leaf (/spin)', false, [7]);
  places.of(1).set('1161 leaf (/spin)', true, [8]);
  expect(places.of(1).get('1161 leaf (/spin)', false)).toEqual([7]);
  expect(places.of(1).get('1161 leaf (/spin)', true)).toEqual([8]);
  expect(places.of(2).get('1161 leaf (/spin)', false)).toBeUndefined();
});

test('no more places than were allowed are kept, of all owners together', () => {
  const places = new KnownPlaces<number>(10);
  const known = () =>
    [1, 2, 3]
      .flatMap((owner) =>
        Array.from({ length: 40 }, (_, at) => places.of(owner).get(String(at), false) ?? []),
      )
      .flat().length;
  for (let at = 0; at < 40; at++) {
    places.of(1 + (at % 3)).set(String(at), false, [at]);
    expect(known()).toBeLessThanOrEqual(10);
  }
  expect(places.of(1 + (38 % 3)).get('38', false)).toEqual([38]);
});
