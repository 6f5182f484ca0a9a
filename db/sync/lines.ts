import { and, eq, inArray, sql } from 'drizzle-orm';
import { STREAM_NAMES, type StreamName } from '../../reading.ts';
import type { Account } from '../accounts.ts';
import type { Db } from '../client.ts';
import { type Progress, oauthAccounts, syncStates } from '../schema.ts';
import type { ChangeKind } from './changes.ts';
import { recordChanges } from './changes.ts';

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
  await db.insert(syncStates).values(rows).onConflictDoNothing();
}

/** All lines of an account, in the order of their names' list. */
export async function linesOf(db: Db, accountId: string): Promise<Line[]> {
  const lines = await db.select().from(syncStates).where(eq(syncStates.oauthAccountId, accountId));
  return lines.toSorted((a, b) => place(a.stream) - place(b.stream));
}

const place = (stream: string): number => STREAM_NAMES.findIndex((name) => name === stream);

/**
 * Locks a line for the transaction that stores a page of it.
 * @returns null if another reader has moved it, if it was paused, or if its account is gone: then the page is dropped
 */
export async function lockLine(tx: Db, read: Line): Promise<Line | null> {
  const [line] = await tx.select().from(syncStates).where(eq(syncStates.id, read.id)).for('update');
  if (line === undefined || line.pass !== read.pass || line.cursor !== read.cursor) return null;
  const [account] = await tx
    .select({ status: oauthAccounts.status })
    .from(oauthAccounts)
    .where(eq(oauthAccounts.id, line.oauthAccountId))
    .for('share');
  return account?.status === 'active' ? line : null;
}

export type LineChange = Partial<Omit<Line, 'id' | 'userId' | 'oauthAccountId' | 'stream' | 'progress'>> & {
  progress?: Progress;
};

export async function saveLine(tx: Db, id: string, change: LineChange): Promise<void> {
  await tx.update(syncStates).set(change).where(eq(syncStates.id, id));
}

/** Ends a stream's attempt with a state that people should know of, once. */
export async function stopLine(
  db: Db,
  line: Line,
  change: LineChange & { state: NonNullable<LineChange['state']> },
  kind?: Extract<ChangeKind, 'sync.failed' | 'sync.permission_missing'>,
): Promise<void> {
  await db.transaction(async (tx) => {
    const [before] = await tx.select().from(syncStates).where(eq(syncStates.id, line.id)).for('update');
    if (before === undefined || before.state === 'paused') return;
    await saveLine(tx, line.id, { ...change, lastAttemptAt: new Date() });
    if (kind !== undefined && before.state !== change.state)
      await recordChanges(tx, { userId: line.userId, accountId: line.oauthAccountId }, [
        {
          kind,
          subjectTable: 'sync_states',
          subjectId: line.id,
          data: { stream: line.stream, reason: change.reason ?? null },
        },
      ]);
  });
}

/**
 * Makes the paused streams of an account that is back in service due, and those that lacked a permission before its
 * last consent.
 */
export async function resumeLines(db: Db, { id, userId, connectedAt }: Account): Promise<void> {
  const since = connectedAt.toISOString();
  await db.transaction(async (tx) => {
    const back = await tx
      .update(syncStates)
      .set({ state: 'idle', reason: null, nextDueAt: sql`now()` })
      .where(
        and(
          eq(syncStates.oauthAccountId, id),
          sql`(${syncStates.state} = 'paused' or (${syncStates.state} = 'permission_missing'
            and (${syncStates.lastAttemptAt} is null or ${syncStates.lastAttemptAt} < ${since}::timestamptz)))`,
        ),
      )
      .returning();
    await recordChanges(
      tx,
      { userId, accountId: id },
      back.map((line) => ({
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
 * @returns whether all of them were due or running already
 */
export async function askForStreams(
  db: Db,
  accountId: string,
  streams: readonly StreamName[],
  full: boolean,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const lines = await tx
      .select()
      .from(syncStates)
      .where(and(eq(syncStates.oauthAccountId, accountId), inArray(syncStates.stream, [...streams])))
      .for('update');
    let joined = true;
    for (const line of lines) {
      if (['unsupported', 'paused', 'permission_missing', 'waiting_quota'].includes(line.state)) continue;
      const { pass } = line.progress;
      const running = pass !== undefined && (!full || pass.mode === 'full');
      const waiting = line.nextDueAt !== null && line.nextDueAt <= new Date();
      const covered =
        running || (waiting && (!full || line.progress.full === true || !line.backfillComplete));
      if (covered && line.state !== 'failed') continue;
      joined = false;
      const progress = full && !running ? { ...line.progress, full: true } : line.progress;
      await saveLine(tx, line.id, {
        nextDueAt: new Date(),
        state: line.state === 'failed' ? 'idle' : line.state,
        progress,
      });
    }
    return joined;
  });
}
