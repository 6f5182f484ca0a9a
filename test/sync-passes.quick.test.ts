import { expect, test } from 'vitest';
import { advanced, type Begun, checkCursor } from '../activities/sync/passes.ts';
import type { Page } from '../providers/reading.ts';

/* Where a pass over a list goes on, and what it refuses. */

const pageTo = (next: string | null): Page => ({ items: [], next, calls: 1, usage: null });

/** A pass that has read as many pages, each with a cursor of its own. */
function after(pages: number): Begun {
  const cursors = Array.from({ length: pages }, (_none, page) => `earlier ${page}`);
  const pass = { mode: 'full', whole: true, login: 'one', cursors, seen: 0, changed: false } as const;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { line: { cursor: 'the last' } as Begun['line'], pass };
}

test('a list goes on at a new cursor, and ends without one', () => {
  expect(() => checkCursor('instagram', after(3), pageTo('new'))).not.toThrow();
  expect(() => checkCursor('instagram', after(3), pageTo(null))).not.toThrow();
});

test('a list that repeats a cursor is refused', () => {
  const begun = after(0);
  const pass = advanced(begun.pass, pageTo('first'), 'one', { changed: false, refused: 0 });
  expect(() => checkCursor('instagram', { ...begun, pass }, pageTo('first'))).toThrow(/repeats a cursor/);
  expect(() => checkCursor('instagram', begun, pageTo('the last'))).toThrow(/repeats a cursor/);
});

test('a list with ever new cursors is refused at last', () => {
  expect(() => checkCursor('instagram', after(9_999), pageTo('new'))).not.toThrow();
  expect(() => checkCursor('instagram', after(10_000), pageTo('new'))).toThrow(/does not end/);
  expect(() => checkCursor('instagram', after(10_000), pageTo(null))).not.toThrow();
});
