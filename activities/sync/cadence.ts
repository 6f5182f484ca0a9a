import { DAY } from '../../durations.ts';
import type { Cadence, Stream } from '../../providers/reading.ts';
import type { Subject } from '../../reading.ts';

/* When something is read again: pure. Times are milliseconds since 1970. */

/** Quiet rounds double a wait at most so often. */
export const MOST_DOUBLINGS = 10;

/**
 * When a list is due again.
 * @param newest the time of its newest item; null: it has none
 * @param streak rounds in a row that changed nothing
 */
export function nextRound(
  cadence: Cadence,
  { now, newest, streak }: { now: number; newest: number | null; streak: number },
): number {
  if (cadence.kind === 'age') return now + DAY;
  const { young, often, rest, most } = cadence;
  if (newest !== null && now - newest < young) return now + often;
  return now + Math.min(most, rest * 2 ** Math.min(streak, MOST_DOUBLINGS));
}

/**
 * When a media is due again; null: only a full pass asks for it.
 * @param at its own time; null: unknown, which counts as now
 */
export function nextSubjectRead(
  { cadence, life, oldest }: Pick<Stream, 'cadence' | 'life' | 'oldest'>,
  { now, at, streak }: { now: number; at: number | null; streak: number },
): number | null {
  const age = now - (at ?? now);
  if (
    isTooOld(
      { ...(life === undefined ? {} : { life }), ...(oldest === undefined ? {} : { oldest }) },
      now,
      at,
    )
  )
    return null;
  if (life !== undefined) {
    const deadline = life.readAt.find((moment) => moment > age);
    const usual = cadence.kind === 'list' ? now + cadence.often : usualRead(cadence, now, age, 0);
    return deadline === undefined ? null : Math.min(usual ?? Infinity, now - age + deadline);
  }
  if (cadence.kind === 'list') return nextRound(cadence, { now, newest: at, streak });
  const usual = usualRead(cadence, now, age, streak);
  // One read after its numbers have settled, in any case.
  const settled = cadence.once !== undefined && age < cadence.once ? now - age + cadence.once : null;
  return usual === null ? settled : Math.min(usual, settled ?? Infinity);
}

/** A stream as it is for one media: some end by themselves. */
export function forMedia(stream: Stream, media: Pick<Subject, 'values'>): Stream {
  const life = stream.lifeOf?.(media) ?? null;
  return life === null ? stream : { ...stream, life };
}

/** Whether a media is too old to be asked for, even in a full pass. */
export function isTooOld(
  { life, oldest: told }: Pick<Stream, 'life' | 'oldest'>,
  now: number,
  at: number | null,
): boolean {
  const oldest = life?.ends ?? told;
  return oldest !== undefined && at !== null && now - at >= oldest;
}

function usualRead(
  { rows, after }: Extract<Cadence, { kind: 'age' }>,
  now: number,
  age: number,
  streak: number,
): number | null {
  const row = rows.findIndex(({ under }) => age < under);
  const every = row === -1 ? after : (rows[row]?.every ?? after);
  if (every === null) return null;
  // Longer while unchanged, but no longer than the next older media waits.
  const longest = row === -1 ? every : (rows[row + 1]?.every ?? after ?? every);
  return now + Math.min(Math.max(every, longest), every * 2 ** Math.min(streak, MOST_DOUBLINGS));
}
