import { setTimeout as sleep } from 'node:timers/promises';
import type postgres from 'postgres';
import { type OwnStack, startOwn } from '../stack/own.ts';
import { untilApiReady } from '../stack/readiness.ts';

export interface Stack extends OwnStack {
  /** Restarts processes that ended by themselves, and waits until all answer. */
  repair(): Promise<void>;
}

/** PostgreSQL, Temporal, the sandbox, two servers and two workers: real processes in their own folder. */
export async function startStack(say: (line: string) => void = () => {}): Promise<Stack> {
  const stack = await startOwn({
    name: 'chaos',
    servers: 2,
    workers: 2,
    // The ledger is not under test here: its time is moved while the drive waits for quotas (drive.ts).
    sandbox: {
      tiktok: { processingMs: 300, moderationMs: 200 },
      instagram: { processingMs: 300 },
      threads: { processingMs: 300 },
    },
    timeSkipping: true,
    throwAway: true,
    settings: { EVERPOST_SYNC: 'on' },
    say,
  });
  const { urls, fleet, sql } = stack;
  const repair = async (): Promise<void> => {
    await fleet.startCrashed();
    for (const url of urls) await untilApiReady(url, AbortSignal.timeout(120_000));
    await untilConnected(sql);
  };
  return { ...stack, repair };
}

/** The runner's own connection died with PostgreSQL: a statement on the dead one fails. */
async function untilConnected(sql: postgres.Sql): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(200);
    }
}
