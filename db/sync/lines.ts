import { isDeepStrictEqual } from 'node:util';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { STREAM_NAMES, type StreamName } from '../../reading.ts';
import type { Account } from '../accounts.ts';
import type { Db } from '../client.ts';
import { type Progress, syncStates } from '../schema.ts';
import { type ChangeKind, recordChanges } from './changes.ts';
import { askForFailed } from './subjects.ts';
import { takeTurn } from './turn.ts';

/* The lines of an account: one for each stream, in `sync_states`. */

export type Line = typeof syncStates.$inferSelect;

/**
 * Makes the missing lines of an account, all due at once.
 * @param known its provider's streams; the others are shown as unsupported, with the reason in `unsupported`
 */
export async function ensureLines(
  db: Db,
  { id, userId }: Pick<Account, 'id' | 'userId'>,
  known: readonly StreamName[],
  unsupported: Readonly<Partial<Record<StreamName, string>>>,
): Promise<void> {
  const rows = STREAM_NAMES.map((stream) => {
    const reason = unsupported[stream] ?? 'the platform has no such data';
    return {
      userId,
      oauthAccountId: id,
      stream,
      ...(known.includes(stream) ? { nextDueAt: sql`now()` } : { state: 'unsupported' as const, reason }),
    };
  });
  await db.transaction(async (tx) => {
    // A data deletion meanwhile has removed the lines for good.
    if ((await takeTurn(tx, id)) === 'active') await tx.insert(syncStates).values(rows).onConflictDoNothing();
  });
}

/** All lines of an account, in the order of their names' list. */
export async function linesOf(db: Db, accountId: string): Promise<Line[]> {
  const lines = await db.select().from(syncStates).where(eq(syncStates.oauthAccountId, accountId));
  return lines.toSorted((a, b) => place(a.stream) - place(b.stream));
}

const place = (stream: string): number => STREAM_NAMES.findIndex((name) => name === stream);

/**
 * Locks a line for the transaction that stores what was read.
 * @returns null if its pass has moved on meanwhile, or its account went out of service: then the answer is dropped
 */
export async function lockLine(tx: Db, read: Line): Promise<Line | null> {
  if ((await takeTurn(tx, read.oauthAccountId)) !== 'active') return null;
  const [line] = await tx.select().from(syncStates).where(eq(syncStates.id, read.id)).for('update');
  return line !== undefined && line.pass === read.pass && line.cursor === read.cursor ? line : null;
}

/** Like `lockLine`, for a page of the line's own list: another reader may have stored the same page already. */
export async function lockPass(tx: Db, read: Line): Promise<Line | null> {
  const line = await lockLine(tx, read);
  return line !== null && isDeepStrictEqual(line.progress.pass, read.progress.pass) ? line : null;
}

export type LineChange = Partial<Omit<Line, 'id' | 'userId' | 'oauthAccountId' | 'stream' | 'progress'>> & {
  progress?: Progress;
};

export async function saveLine(tx: Db, id: string, change: LineChange): Promise<void> {
  await tx.update(syncStates).set(change).where(eq(syncStates.id, id));
}

/** Counts a call that brought nothing to store. */
export async function countCall(db: Db, id: string): Promise<void> {
  await db
    .update(syncStates)
    .set({ callsUsed: sql`${syncStates.callsUsed} + 1` })
    .where(eq(syncStates.id, id));
}

/** Ends a stream's attempt with a state that people should know of: once, until it is read again. */
export async function stopLine(
  db: Db,
  read: Line,
  change: (line: Line) => LineChange & { state: Line['state'] },
  kind?: Extract<ChangeKind, 'sync.failed' | 'sync.permission_missing'>,
): Promise<void> {
  await db.transaction(async (tx) => {
    const line = await lockLine(tx, read);
    if (line === null) return;
    const stop = change(line);
    const progress = stop.progress ?? line.progress;
    const told = kind === 'sync.failed' ? { progress: { ...progress, told: true } } : {};
    await saveLine(tx, line.id, { ...stop, ...told, lastAttemptAt: new Date() });
    const isKnown = kind === 'sync.failed' ? progress.told === true : line.state === stop.state;
    if (kind === undefined || isKnown) return;
    await recordChanges(tx, { userId: line.userId, accountId: line.oauthAccountId }, [
      {
        kind,
        subjectTable: 'sync_states',
        subjectId: line.id,
        data: { stream: line.stream, reason: stop.reason ?? null },
      },
    ]);
  });
}

/**
 * Makes the paused streams of an account that is back in service due, and those that lacked a permission, or a part of
 * one, before its last consent.
 */
export async function resumeLines(db: Db, { id, userId, connectedAt }: Account): Promise<void> {
  const since = connectedAt.toISOString();
  await db.transaction(async (tx) => {
    if ((await takeTurn(tx, id)) !== 'active') return;
    const { state, reason, lastAttemptAt } = syncStates;
    const lines = await tx
      .select()
      .from(syncStates)
      .where(
        and(
          eq(syncStates.oauthAccountId, id),
          sql`(${state} = 'paused' or ((${state} = 'permission_missing' or ${reason} like 'not granted%')
            and (${lastAttemptAt} is null or ${lastAttemptAt} < ${since}::timestamptz)))`,
        ),
      );
    if (lines.length === 0) return;
    await tx
      .update(syncStates)
      .set({ state: 'idle', reason: null, nextDueAt: sql`now()` })
      .where(
        inArray(
          syncStates.id,
          lines.map((line) => line.id),
        ),
      );
    const stood = lines.filter((line) => line.state === 'paused' || line.state === 'permission_missing');
    await recordChanges(
      tx,
      { userId, accountId: id },
      stood.map((line) => ({
        kind: 'sync.resumed',
        subjectTable: 'sync_states',
        subjectId: line.id,
        data: { stream: line.stream },
      })),
    );
  });
}

/**
 * Makes streams of an account due at once, as a client asked.
 * @param full passes over whole lists; a running one is joined
 * @returns whether all of them that can be read were due or running already
 */
export async function askForStreams(
  db: Db,
  accountId: string,
  streams: readonly StreamName[],
  full: boolean,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    await takeTurn(tx, accountId);
    const lines = await tx
      .select()
      .from(syncStates)
      .where(and(eq(syncStates.oauthAccountId, accountId), inArray(syncStates.stream, [...streams])));
    const open = lines.filter(({ state }) => !CLOSED.includes(state));
    const asks = open.filter(({ state }) => state !== 'waiting_quota');
    const names = streams.filter((name) => asks.some(({ stream }) => stream === name));
    await askForFailed(tx, accountId, names);
    let joined = open.length > 0;
    for (const line of open) {
      const change = asked(line, full);
      if (change === null) continue;
      // A stream that waits for quota keeps the wish, and goes on waiting.
      if (change.nextDueAt !== undefined) joined = false;
      await saveLine(tx, line.id, change);
    }
    return joined;
  });
}

/** Nobody's wish opens a stream that cannot be read. */
const CLOSED: readonly Line['state'][] = ['unsupported', 'paused', 'permission_missing'];

/** What a client's wish changes about a line; null: nothing. */
function asked(line: Line, full: boolean): LineChange | null {
  const { state, progress } = line;
  const running = progress.pass !== undefined && (!full || progress.pass.mode === 'full');
  const wish = full && !running && line.backfillComplete ? { progress: { ...progress, full: true } } : {};
  if (state === 'waiting_quota') return 'progress' in wish ? wish : null;
  const isDue = line.nextDueAt !== null && line.nextDueAt <= new Date();
  const isCovered = running || (isDue && (!full || progress.full === true || !line.backfillComplete));
  // A stream that has failed waits for its next try.
  if (isCovered && state !== 'failed' && (isDue || progress.failures === undefined)) return null;
  return { ...wish, nextDueAt: new Date(), state: state === 'failed' ? 'idle' : state };
}
