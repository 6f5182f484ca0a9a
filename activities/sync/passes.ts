import { createHash } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import type { PassProgress, Progress } from '../../db/schema.ts';
import type { Change } from '../../db/sync/changes.ts';
import { type Line, type LineChange, lockLine, saveLine } from '../../db/sync/lines.ts';
import { MINUTE } from '../../durations.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { Page, Stream } from '../../providers/reading.ts';
import { nextRound } from './cadence.ts';

/* A pass over the list of a stream begins at its first page, and may take many rounds. */

/** A line with a running pass. */
export interface Begun {
  line: Line;
  pass: PassProgress;
}

/** Whether the next pass is a full one: asked for, the first, or due again. */
export function isFullDue({ fullEvery }: Pick<Stream, 'fullEvery'>, line: Line, now: number): boolean {
  if (line.progress.full === true || !line.backfillComplete) return true;
  const last = line.fullPassCompletedAt?.getTime() ?? 0;
  return fullEvery !== null && now - last >= fullEvery;
}

/** Only a list that begins with the newest shows early that the rest of it is known. */
const mustReachEnd = (stream: Stream, line: Line): boolean =>
  stream.order !== 'newest_first' || isFullDue(stream, line, Date.now());

/**
 * The running pass of a line; begins one where there is none.
 * @param login the creator's consent: a pass under two of them proves no absence
 * @returns null if another reader has moved the line
 */
export async function runningPass(db: Db, stream: Stream, line: Line, login: string): Promise<Begun | null> {
  if (line.progress.pass !== undefined) return { line, pass: line.progress.pass };
  return db.transaction(async (tx) => {
    const held = await lockLine(tx, line);
    if (held === null || held.progress.pass !== undefined) return null;
    const mode = mustReachEnd(stream, held) ? 'full' : 'incremental';
    const { full: _begins, hinted, ...progress } = held.progress;
    const urgent = hinted === true && mode === 'incremental' ? { urgent: true } : {};
    const pass: PassProgress = { mode, whole: true, login, cursors: [], seen: 0, changed: false, ...urgent };
    const change = {
      state: 'running',
      cursor: null,
      pass: held.pass + 1,
      passStartedAt: new Date(),
      progress: { ...progress, pass },
    } as const;
    await saveLine(tx, held.id, change);
    return { line: { ...held, ...change }, pass };
  });
}

/** A cursor as a pass remembers it. */
const marked = (cursor: string): string =>
  createHash('sha256').update(cursor).digest('base64url').slice(0, 16);

/** More pages than any list has, also if each is nearly empty. */
const MOST_PAGES = 10_000;

/** @throws ProviderError if the list goes in circles or without end: the next page was read, or there are too many */
export function checkCursor(provider: string, { line, pass }: Begun, { next }: Page): void {
  const isNew = next !== null && next !== line.cursor && !pass.cursors.includes(marked(next));
  if (next === null || (isNew && pass.cursors.length < MOST_PAGES)) return;
  throw new ProviderError({
    provider,
    kind: 'rejected',
    code: 'cursor_refused',
    message: isNew ? 'the list does not end' : 'the list repeats a cursor',
    userMessage: `The platform ${isNew ? 'does not end a list' : 'repeats a page of a list'}. Everpost reads the list again.`,
  });
}

/** The pass after a page. */
export function advanced(
  pass: PassProgress,
  page: Page,
  login: string,
  { changed, refused }: { changed: boolean; refused: number },
): PassProgress {
  const times = page.items.flatMap(({ at }) => (at === null ? [] : [at.toISOString()]));
  const known = [pass.oldest, pass.newest].filter((at) => at !== undefined);
  const [oldest, ...rest] = [...known, ...times].toSorted();
  const newest = rest.at(-1) ?? oldest;
  return {
    ...pass,
    ...(oldest === undefined ? {} : { oldest }),
    ...(newest === undefined ? {} : { newest }),
    seen:
      pass.seen +
      page.items.filter(({ parent }) => parent === undefined).length +
      (page.insights?.length ?? 0),
    whole: pass.whole && page.lossy !== true && pass.login === login,
    cursors: page.next === null ? [] : [...pass.cursors, marked(page.next)],
    changed: pass.changed || changed,
    ...(refused === 0 ? {} : { refused: (pass.refused ?? 0) + refused }),
  };
}

/**
 * Why copies are not complete after a pass; null: they are.
 * @param failed media whose reads failed
 */
export function reasonOf(pass: PassProgress | undefined, failed = 0): string | null {
  const refused = pass?.refused ?? 0;
  if (refused > 0) return `rows_refused: ${refused}`;
  return failed > 0 ? `reads_failed: ${failed}` : null;
}

/** A read has succeeded: earlier failures do not count any more. */
export function afterSuccess({ failures: _over, refusedToken: _accepted, ...progress }: Progress): Progress {
  return progress;
}

/** Removals that are held need a second pass, when they have been missing for an hour. */
const HELD_AGAIN = 61 * MINUTE;

/** The columns of a line whose pass has ended. */
export function ended(stream: Stream, line: Line, pass: PassProgress, progress: Progress): LineChange {
  const now = Date.now();
  const streak = pass.changed ? 0 : line.unchangedStreak + 1;
  const watermark = pass.newest === undefined ? line.watermark : new Date(pass.newest);
  const due = nextRound(stream.cadence, { now, newest: watermark?.getTime() ?? null, streak });
  const { pass: _over, told: _now, ...rest } = afterSuccess(progress);
  const isHeld = rest.full === true && (pass.held ?? 0) > 0;
  // Asked for while this pass was running.
  const isAsked = rest.full === true || rest.hinted === true;
  return {
    state: 'idle',
    cursor: null,
    passStartedAt: null,
    watermark,
    unchangedStreak: streak,
    lastSuccessAt: new Date(now),
    nextDueAt: new Date(isHeld ? now + HELD_AGAIN : isAsked ? now : due),
    progress: rest,
  };
}

/** The counters of a line after a page. */
export const counted = (line: Line, seen: number, calls: number) => ({
  rowsSeen: line.rowsSeen + seen,
  callsUsed: line.callsUsed + calls,
  lastAttemptAt: new Date(),
});

/** The end of the first pass after the feed told of a failure. */
export const resumed = ({ id, stream, progress }: Line): Change[] =>
  progress.told === true
    ? [{ kind: 'sync.resumed', subjectTable: 'sync_states', subjectId: id, data: { stream } }]
    : [];

/** The end of a full pass, for the feed. */
export const completed = (line: Line, pass: PassProgress | null): Change => ({
  kind: 'sync.completed',
  subjectTable: 'sync_states',
  subjectId: line.id,
  data: { stream: line.stream, mode: pass?.mode ?? 'full', count: pass?.seen ?? null },
});
