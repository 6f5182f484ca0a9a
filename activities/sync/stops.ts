import { log } from '@temporalio/activity';
import type { Db } from '../../db/client.ts';
import { errorLine, isDataError } from '../../db/failures.ts';
import { countCall, type Line, lockLine, lockPass, saveLine, stopLine } from '../../db/sync/lines.ts';
import { saveSubject, type SubjectLine } from '../../db/sync/subjects.ts';
import { noteRefusal, noteUsage } from '../../db/sync/usage.ts';
import { DAY, HOUR, MINUTE } from '../../durations.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { Stream } from '../../providers/reading.ts';
import type { Deps } from '../deps.ts';
import { type Did, type Reader, spender } from './reader.ts';

/* What a refused or lost read means for its stream. */

/** After so many failures in a row a stream is shown as failed, and a media is passed over. */
const PATIENCE = 3;
const LONGEST_PAUSE = 6 * HOUR;
/** A pass restarts so often a day. */
const MOST_RESTARTS = 2;
const RESTART_WAIT = DAY / MOST_RESTARTS;
/** A media whose read failed is read after the others of its stream. */
const AFTER_OTHERS = 10 * MINUTE;
const SMALLEST_PAGE = 1;

/** A read in progress. */
export interface Read {
  reader: Reader;
  stream: Stream;
  line: Line;
  /** Only for streams of media. */
  subject?: SubjectLine;
}

/** Records why a read failed, and when to try again. @throws whatever is no fault of the provider's answer */
export async function stopAfter(deps: Deps, read: Read, thrown: unknown): Promise<Did> {
  const { reader, line, stream, subject } = read;
  // A worker that ends has cut the call off: that says nothing about the platform.
  reader.call.signal.throwIfAborted();
  const error = thrown instanceof ProviderError ? thrown : unreadable(reader, thrown);
  const used = { calls: 1 };
  await countCall(deps.db, line.id);
  const { percent } = error;
  if (percent !== null) await noteUsage(deps.db, spender(reader), stream.bucket, { percent });
  if (error.code === 'cursor_refused') await restart(deps, read);
  else if (error.code === 'too_much_data') await shrink(deps, read, error);
  else if (error.kind === 'token' || error.kind === 'grant')
    return { ...used, ...(await refuse(deps, read, error)) };
  else if (error.kind === 'account')
    await stopLine(
      deps.db,
      line,
      () => ({ state: 'permission_missing', reason: reasonOf(read, error), nextDueAt: null }),
      'sync.permission_missing',
    );
  else if (error.kind === 'quota') {
    // The default wait of a refusal is for publishing.
    const told = error.init.retryTold === true ? (error.retryAfterMs ?? null) : null;
    const until = await noteRefusal(deps.db, spender(reader), stream.bucket, told);
    await stopForBudget(deps, read, { reason: error.code, until });
  } else if (error.kind === 'gone' && subject !== undefined) await passOver(deps.db, subject);
  else await failLine(deps, read, error);
  return used;
}

/** An answer with something that no answer should have: it fails its own read, and keeps no other waiting. */
function unreadable({ account: { provider } }: Reader, error: unknown): ProviderError {
  const isOfAnswer = isDataError(error) || error instanceof TypeError || error instanceof RangeError;
  if (!isOfAnswer) throw error;
  log.error('an answer was not stored', { error: errorLine(error) });
  return new ProviderError({
    provider,
    kind: 'unavailable',
    code: 'unreadable_answer',
    message: 'the answer cannot be stored',
    userMessage: 'The platform’s answer cannot be stored. Everpost will ask again.',
  });
}

function reasonOf({ stream }: Read, error: ProviderError): string {
  return `${error.code}: ${stream.scopes.join(', ')}`;
}

/** The token keeper renews the token. If the platform refuses the new one as well, that is no fault of tokens. */
async function refuse(deps: Deps, read: Read, error: ProviderError): Promise<Partial<Did>> {
  const { tokenVersion } = read.reader.account;
  const before = read.line.progress.refusedToken;
  if (before !== undefined && before !== tokenVersion) {
    await failLine(deps, read, error);
    return {};
  }
  await deps.db.transaction(async (tx) => {
    const line = await lockLine(tx, read.line);
    if (line !== null)
      await saveLine(tx, line.id, { progress: { ...line.progress, refusedToken: tokenVersion } });
  });
  return { tokenRefused: tokenVersion };
}

/** The subject may be gone, which its list will prove; or only it cannot be read. Others come first. */
async function passOver(db: Db, subject: SubjectLine): Promise<void> {
  const streak = subject.unchangedStreak + 1;
  const wait = Math.min(DAY, HOUR * 2 ** Math.min(streak, 10));
  await saveSubject(db, subject.id, {
    nextDueAt: new Date(Date.now() + wait),
    hintedAt: null,
    cursor: null,
    progress: {},
    unchangedStreak: streak,
  });
}

/** The read of one media failed: its stream's round is no success before another try, unless several fail. */
async function putOff(db: Db, subject: SubjectLine, wait: number): Promise<void> {
  const failures = (subject.progress.failures ?? 0) + 1;
  if (failures >= PATIENCE) return passOver(db, subject);
  await saveSubject(db, subject.id, {
    nextDueAt: new Date(Date.now() + wait),
    progress: { ...subject.progress, failures },
  });
}

/** Tries again later, and shows the stream as failed after some tries. */
async function failLine({ db }: Deps, { line: read, subject }: Read, error: ProviderError): Promise<void> {
  const failures = (read.progress.failures ?? 0) + 1;
  const pause = Math.min(LONGEST_PAUSE, MINUTE * 2 ** Math.min(failures - 1, 10));
  // One media that cannot be read does not keep the others waiting.
  if (subject !== undefined) await putOff(db, subject, Math.max(2 * pause, AFTER_OTHERS));
  const failed = failures >= PATIENCE;
  await stopLine(
    db,
    read,
    ({ progress }) => ({
      state: failed ? 'failed' : 'running',
      reason: error.code,
      nextDueAt: new Date(Date.now() + pause),
      progress: { ...progress, failures },
    }),
    ...(failed ? (['sync.failed'] as const) : []),
  );
}

/** The list begins again, which proves no absence; if it does so too often, it waits. */
async function restart({ db }: Deps, { line: read, subject }: Read): Promise<void> {
  if (subject !== undefined) return restartSubject(db, subject);
  const now = Date.now();
  const earlier = since(read.progress.restarts, now);
  if (earlier.length < MOST_RESTARTS)
    return db.transaction(async (tx) => {
      const line = await lockPass(tx, read);
      if (line === null) return;
      const { pass, ...rest } = line.progress;
      const again = pass === undefined ? {} : { pass: { ...pass, whole: false, cursors: [], seen: 0 } };
      const restarts = [...earlier, new Date(now).toISOString()];
      await saveLine(tx, line.id, {
        cursor: null,
        lastAttemptAt: new Date(now),
        progress: { ...rest, ...again, restarts },
      });
    });
  await stopLine(
    db,
    read,
    ({ progress: { pass: _given, ...rest } }) => ({
      state: 'failed',
      reason: 'cursor_refused',
      nextDueAt: new Date(now + RESTART_WAIT),
      cursor: null,
      passStartedAt: null,
      progress: { ...rest, restarts: earlier },
    }),
    'sync.failed',
  );
}

async function restartSubject(db: Db, { id, progress }: SubjectLine): Promise<void> {
  const now = Date.now();
  const { pass, ...rest } = progress;
  const earlier = since(rest.restarts, now);
  const isOften = earlier.length >= MOST_RESTARTS;
  const again =
    isOften || pass === undefined ? {} : { pass: { ...pass, whole: false, cursors: [], seen: 0 } };
  await saveSubject(db, id, {
    cursor: null,
    nextDueAt: new Date(isOften ? now + RESTART_WAIT : now),
    progress: {
      ...rest,
      ...again,
      ...(isOften ? { failures: (rest.failures ?? 0) + 1 } : {}),
      restarts: isOften ? earlier : [...earlier, new Date(now).toISOString()],
    },
  });
}

const since = (restarts: readonly string[] = [], now: number): string[] =>
  restarts.filter((at) => Date.parse(at) > now - DAY);

/** The platform refuses pages of this size: the next one is half as large, from the same cursor. */
async function shrink(deps: Deps, read: Read, error: ProviderError): Promise<void> {
  const limit = read.line.progress.limit ?? read.stream.pageSize;
  if (limit <= SMALLEST_PAGE) return failLine(deps, read, error);
  await deps.db.transaction(async (tx) => {
    const line = await lockLine(tx, read.line);
    if (line !== null)
      await saveLine(tx, line.id, { progress: { ...line.progress, limit: Math.ceil(limit / 2) } });
  });
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
    () => ({ state: 'permission_missing', reason: `not granted: ${missing.join(', ')}`, nextDueAt: null }),
    'sync.permission_missing',
  );
  return { calls: 0 };
}

/** The budget allows no call now: what an event asked for waits too. */
export async function stopForBudget(
  { db }: Deps,
  { line, subject }: Read,
  { reason, until }: { reason: string; until: Date },
): Promise<Did> {
  if (subject?.hintedAt != null) await saveSubject(db, subject.id, { nextDueAt: until });
  await stopLine(db, line, ({ progress: { hinted: _waits, ...progress } }) => ({
    state: 'waiting_quota',
    reason,
    nextDueAt: until,
    progress: progress.gone === undefined ? progress : { ...progress, goneAfter: until.toISOString() },
  }));
  return { calls: 0 };
}
