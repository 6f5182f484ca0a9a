import { type Database, openDatabase } from '../../db/client.ts';
import { tablesOf } from '../../db/registry.ts';
import { PROVIDER_NAMES, type ProviderName } from '../../providers/provider.ts';
import { driverOf } from '../../test/drivers/index.ts';
import type { Row } from '../report.ts';
import type { Stack } from '../stack.ts';
import { median, ms, spread } from '../stats.ts';
import type { Tenant } from '../tenant.ts';
import { connectWithMedia, isRead, untilCopied } from './accounts.ts';
import { createWriters, type Writers } from './page-writers.ts';

/* The guarded write of a page, against a bare INSERT of the same rows into a copy of the table. */

const ROWS = 100;
const ROUNDS = 60;
/** Rounds before the clock starts. */
const WARM_UP = 10;
const RATIO = 0.6;

interface Times {
  bare: number[];
  guarded: number[];
  again: number[];
  whole: number[];
}

/** A page of every platform that is read. */
export async function pages(stack: Stack, tenant: Tenant, say: (line: string) => void): Promise<Row[]> {
  const database = openDatabase(stack.databaseUrl, 2);
  try {
    const rows: Row[] = [];
    for (const provider of PROVIDER_NAMES)
      rows.push(...(await pagesOf(stack, tenant, database, provider, say)));
    return rows;
  } finally {
    await database.close();
  }
}

async function pagesOf(
  stack: Stack,
  tenant: Tenant,
  { db }: Database,
  provider: ProviderName,
  say: (line: string) => void,
): Promise<Row[]> {
  const { copies } = tablesOf(provider);
  const account = await connectWithMedia(stack, tenant, provider, ROWS);
  if (copies === undefined || !(await isRead(stack, account))) return [];
  await untilCopied(stack, account);
  const times = await measure(await createWriters(db, copies, account, ROWS));
  const { title } = driverOf(provider);
  const floor = median(times.bare);
  const row = (name: string, all: readonly number[]): Row => ({
    name: `${title}: ${name}, of ${ROUNDS}`,
    measured: spread(all, ms),
    floor: spread(times.bare, ms),
    ratio: floor / median(all),
  });
  const guarded = row(`storing ${ROWS} new media, guarded`, times.guarded);
  say(`${guarded.name}: ${guarded.measured}, bare ${guarded.floor}`);
  return [
    { ...guarded, budget: `ratio >= ${RATIO}`, ok: floor / median(times.guarded) >= RATIO },
    row('the same page again, nothing has changed', times.again),
    row('a new page with its numbers, links to posts and the feed', times.whole),
  ];
}

/** In turns, so that a busy moment hits all of them. */
async function measure(writers: Writers): Promise<Times> {
  const times: Times = { bare: [], guarded: [], again: [], whole: [] };
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    const [page, another] = [writers.newPage(), writers.newPage()];
    const work: [keyof Times, () => Promise<unknown>][] = [
      ['bare', () => writers.bare(page)],
      ['guarded', () => writers.guarded(page)],
      ['again', () => writers.guarded(page)],
      ['whole', () => writers.whole(another)],
    ];
    for (const [name, write] of work) {
      const took = await timed(write);
      if (round >= WARM_UP) times[name].push(took);
    }
  }
  return times;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}
