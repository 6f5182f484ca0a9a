import { type Line, saveLine, stopLine } from '../../db/sync/lines.ts';
import { saveSubject, type SubjectLine } from '../../db/sync/subjects.ts';
import { noteRefusal } from '../../db/sync/usage.ts';
import { DAY, HOUR, MINUTE } from '../../durations.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { Stream } from '../../providers/reading.ts';
import type { Deps } from '../deps.ts';
import { type Did, type Reader, spender } from './reader.ts';

/* What a refused or lost read means for its stream. */

/** A stream is shown as failed after so many failures in a row. */
const PATIENCE = 3;
const LONGEST_PAUSE = 6 * HOUR;
/** A pass restarts so often a day. */
const MOST_RESTARTS = 2;
const SMALLEST_PAGE = 1;

/** A read in progress. */
export interface Read {
  reader: Reader;
  stream: Stream;
  line: Line;
  /** Only for streams of media. */
  subject?: SubjectLine;
}

/** Records why a read failed, and when to try again. @throws whatever is no answer of the provider */
export async function stopAfter(deps: Deps, read: Read, error: unknown): Promise<Did> {
  if (!(error instanceof ProviderError)) throw error;
  const { reader, line } = read;
  const used = { calls: 1 };
  if (error.code === 'cursor_refused') return { ...used, ...(await restart(deps, read)) };
  if (error.code === 'too_much_data') return { ...used, ...(await shrink(deps, read, error)) };
  switch (error.kind) {
    case 'token':
    case 'grant':
      return { ...used, ...(await refuseToken(deps, read, error)) };
    case 'account':
      await stopLine(
        deps.db,
        line,
        { state: 'permission_missing', reason: reasonOf(read, error), nextDueAt: null },
        'sync.permission_missing',
      );
      return used;
    case 'quota': {
      // The default wait of a refusal is for publishing.
      const told = error.init.retryTold === true ? (error.retryAfterMs ?? null) : null;
      const until = await noteRefusal(deps.db, spender(reader), read.stream.bucket, told);
      await stopLine(deps.db, line, { state: 'waiting_quota', reason: error.code, nextDueAt: until });
      return used;
    }
    case 'gone':
      if (read.subject !== undefined) return { ...used, ...(await passOver(deps, read.subject)) };
      return { ...used, ...(await failLine(deps, read, error)) };
    default:
      return { ...used, ...(await failLine(deps, read, error)) };
  }
}

/** A renewed token that is refused like the one before it points to another cause: the stream waits. */
async function refuseToken(deps: Deps, read: Read, error: ProviderError): Promise<Partial<Did>> {
  const { reader, line } = read;
  const { tokenVersion } = reader.account;
  const { refusedToken } = line.progress;
  if (refusedToken !== undefined && refusedToken < tokenVersion) return failLine(deps, read, error);
  await saveLine(deps.db, line.id, { progress: { ...line.progress, refusedToken: tokenVersion } });
  return { tokenRefused: tokenVersion };
}

function reasonOf({ stream }: Read, error: ProviderError): string {
  return `${error.code}: ${stream.scopes.join(', ')}`;
}

/** The subject may be gone, which its list will prove. */
async function passOver({ db }: Deps, subject: SubjectLine): Promise<Partial<Did>> {
  const streak = subject.unchangedStreak + 1;
  const wait = Math.min(DAY, HOUR * 2 ** Math.min(streak, 10));
  await saveSubject(db, subject.id, {
    nextDueAt: new Date(Date.now() + wait),
    hintedAt: null,
    cursor: null,
    unchangedStreak: streak,
  });
  return {};
}

async function failLine({ db }: Deps, { line }: Read, error: ProviderError): Promise<Partial<Did>> {
  const failures = (line.progress.failures ?? 0) + 1;
  const pause = Math.min(LONGEST_PAUSE, MINUTE * 2 ** Math.min(failures - 1, 10));
  const failed = failures >= PATIENCE;
  await stopLine(
    db,
    line,
    {
      state: failed ? 'failed' : 'running',
      reason: error.code,
      nextDueAt: new Date(Date.now() + pause),
      progress: { ...line.progress, failures },
    },
    ...(failed ? (['sync.failed'] as const) : []),
  );
  return {};
}

/** The list begins again, which proves no absence; if it does so too often, it waits. */
async function restart({ db }: Deps, { line, subject }: Read): Promise<Partial<Did>> {
  const now = Date.now();
  const restarts = (line.progress.restarts ?? []).filter((at) => Date.parse(at) > now - DAY);
  if (subject !== undefined)
    await saveSubject(db, subject.id, { cursor: null, nextDueAt: new Date(now + HOUR) });
  if (subject !== undefined) return {};
  const { pass, ...rest } = line.progress;
  if (restarts.length >= MOST_RESTARTS) {
    const nextDueAt = new Date(now + DAY / MOST_RESTARTS);
    const stop = {
      state: 'failed',
      reason: 'cursor_refused',
      nextDueAt,
      cursor: null,
      passStartedAt: null,
    } as const;
    await stopLine(db, line, { ...stop, progress: { ...rest, restarts } }, 'sync.failed');
    return {};
  }
  const again = pass === undefined ? {} : { pass: { ...pass, whole: false, cursors: [], seen: 0 } };
  await saveLine(db, line.id, {
    cursor: null,
    lastAttemptAt: new Date(now),
    progress: { ...rest, ...again, restarts: [...restarts, new Date(now).toISOString()] },
  });
  return {};
}

/** The platform refuses pages of this size: the next one is half as large, from the same cursor. */
async function shrink(deps: Deps, read: Read, error: ProviderError): Promise<Partial<Did>> {
  const { line, stream } = read;
  const limit = line.progress.limit ?? stream.pageSize;
  if (limit <= SMALLEST_PAGE) return failLine(deps, read, error);
  await saveLine(deps.db, line.id, { progress: { ...line.progress, limit: Math.ceil(limit / 2) } });
  return {};
}

/** The account's scopes lack one that the stream needs: nothing is asked. */
export async function stopWithoutScopes(
  deps: Deps,
  { line }: Read,
  missing: readonly string[],
): Promise<Did> {
  await stopLine(
    deps.db,
    line,
    { state: 'permission_missing', reason: `not granted: ${missing.join(', ')}`, nextDueAt: null },
    'sync.permission_missing',
  );
  return { calls: 0 };
}

/** The budget allows no call now. */
export async function stopForBudget(
  deps: Deps,
  { line }: Read,
  { reason, until }: { reason: string; until: Date },
): Promise<Did> {
  await stopLine(deps.db, line, { state: 'waiting_quota', reason, nextDueAt: until });
  return { calls: 0 };
}
