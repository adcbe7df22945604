import { expect, test } from 'vitest';
import { ShownProfile, type ProfileView } from '../../../extension/webviews/shown-profile.ts';
import { profileOf } from '../profile/slow.ts';

function watched() {
  const shown = new ShownProfile();
  const seen: (string | undefined)[] = [];
  shown.onDidChange(() => seen.push(shown.current?.key));
  return { shown, seen };
}
const view = (key: string): ProfileView => ({ key, profile: () => profileOf([]) });

test('the view brought to the front last is shown; closing it shows the one before, then none', () => {
  const { shown, seen } = watched();
  const [a, b] = [view('a'), view('b')];
  shown.show(a);
  shown.show(b);
  shown.show(a);
  shown.close('a');
  shown.close('b');
  expect(seen).toEqual(['a', 'b', 'a', 'b', undefined]);
});

test('nothing is told when what is shown stays the same', () => {
  const { shown, seen } = watched();
  const [a, b] = [view('a'), view('b')];
  shown.show(a);
  shown.show(b);
  shown.show(b);
  shown.update('a');
  shown.close('a');
  shown.close('unknown');
  expect(seen).toEqual(['a', 'b']);
  shown.update('b');
  expect(seen).toEqual(['a', 'b', 'b']);
});

test('a view of the same key takes the place of the older one', () => {
  const { shown, seen } = watched();
  shown.show(view('a'));
  const newer = view('a');
  shown.show(newer);
  expect(shown.current).toBe(newer);
  expect(seen).toEqual(['a', 'a']);
  shown.close('a');
  expect(shown.current).toBeUndefined();
});
