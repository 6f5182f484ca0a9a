import { describe, expect, test } from 'vitest';
import { isTooOld, nextRound, nextSubjectRead } from '../activities/sync/cadence.ts';
import { DAY, HOUR, MINUTE } from '../durations.ts';
import { OF_COMMENTS, OF_INSIGHTS, OF_LISTS } from '../providers/instagram/reads.ts';

/* How often something is read: each row of the documented cadence. */

const now = Date.UTC(2026, 10, 30, 12);
const after = (due: number | null): number | null => (due === null ? null : due - now);

const waitOfList = (age: number | null, streak: number) =>
  after(nextRound(OF_LISTS, { now, newest: age === null ? null : now - age, streak }));
const waitOfNumbers = (age: number | null, streak = 0) =>
  after(nextSubjectRead({ cadence: OF_INSIGHTS }, { now, at: age === null ? null : now - age, streak }));

describe('a list', () => {
  test('is read each quarter of an hour while its newest item is younger than a day', () => {
    expect(waitOfList(0, 0)).toBe(15 * MINUTE);
    expect(waitOfList(DAY - 1, 9)).toBe(15 * MINUTE);
    expect(waitOfList(DAY, 0)).toBe(HOUR);
    expect(waitOfList(null, 0)).toBe(HOUR);
  });

  test('waits twice as long after each quiet round, up to 12 hours', () => {
    expect([0, 1, 2, 3, 4, 5, 5000].map((streak) => waitOfList(2 * DAY, streak))).toEqual(
      [1, 2, 4, 8, 12, 12, 12].map((hours) => hours * HOUR),
    );
  });
});

describe('the numbers of a media', () => {
  test.each([
    [0, 15 * MINUTE],
    [6 * HOUR - 1, 15 * MINUTE],
    [6 * HOUR, HOUR],
    [DAY - 1, HOUR],
    [DAY, 3 * HOUR],
    [3 * DAY - 1, 3 * HOUR],
    [3 * DAY, 12 * HOUR],
    [7 * DAY - 1, 12 * HOUR],
    [7 * DAY, DAY],
    [30 * DAY - 1, DAY],
    [30 * DAY, 7 * DAY],
    [90 * DAY - 1, 7 * DAY],
    [90 * DAY, null],
    [null, 15 * MINUTE],
  ])('at an age of %d ms are read again after %d ms', (age, expected) => {
    expect(waitOfNumbers(age)).toBe(expected);
  });

  test('wait longer while unchanged, at most as long as those of the next age', () => {
    expect(waitOfNumbers(HOUR, 1)).toBe(30 * MINUTE);
    expect(waitOfNumbers(HOUR, 50)).toBe(HOUR);
    expect(waitOfNumbers(4 * DAY, 50)).toBe(DAY);
    expect(waitOfNumbers(40 * DAY, 50)).toBe(7 * DAY);
  });

  test('are read at 48 hours in any case', () => {
    expect(waitOfNumbers(47 * HOUR)).toBe(HOUR);
    expect(waitOfNumbers(47 * HOUR, 50)).toBe(HOUR);
    expect(waitOfNumbers(48 * HOUR)).toBe(3 * HOUR);
  });
});

test.each([
  [0, 5 * MINUTE],
  [DAY - 1, 5 * MINUTE],
  [DAY, 3 * HOUR],
  [7 * DAY, DAY],
  [90 * DAY, null],
])('comments of a media of %d ms are read again after %d ms', (age, expected) => {
  expect(after(nextSubjectRead({ cadence: OF_COMMENTS }, { now, at: now - age, streak: 0 }))).toBe(expected);
});

describe('a story', () => {
  const life = { ends: DAY, readAt: [22 * HOUR, 23.5 * HOUR] };
  const cadence = { kind: 'list', young: DAY, often: HOUR, rest: HOUR, most: HOUR } as const;
  const dueAt = (age: number) => {
    const wait = after(nextSubjectRead({ cadence, life }, { now, at: now - age, streak: 20 }));
    return wait === null ? null : age + wait;
  };

  test('is read each hour, at 22 h and at 23.5 h, then no more', () => {
    expect(dueAt(0)).toBe(HOUR);
    expect(dueAt(21.5 * HOUR)).toBe(22 * HOUR);
    expect(dueAt(22 * HOUR)).toBe(23 * HOUR);
    expect(dueAt(23 * HOUR)).toBe(23.5 * HOUR);
    expect(dueAt(23.5 * HOUR)).toBeNull();
    expect(dueAt(DAY)).toBeNull();
  });

  test('is too old at its end', () => {
    expect(isTooOld({ life }, now, now - DAY + 1)).toBe(false);
    expect(isTooOld({ life }, now, now - DAY)).toBe(true);
    expect(isTooOld({ life }, now, null)).toBe(false);
  });
});
