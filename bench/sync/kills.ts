import { createCallCounter, createCreator } from '../../sandbox/testing/creator.ts';
import type { Row } from '../report.ts';
import type { Stack } from '../stack.ts';
import type { Tenant } from '../tenant.ts';
import { until } from '../until.ts';
import { connectWithMedia, type Synced, untilCopied } from './accounts.ts';

/* A worker that is killed in the middle of a first pass: nothing is there twice, nothing is missing. */

const MEDIA = 3_000;
/** Rows that have been seen when the worker is killed. */
const KILLS = [500, 1_200, 2_200] as const;
/** Above 19 new ones of a page of 20, because pages overlap. */
const PAGES = Math.ceil((MEDIA - 20) / 19) + 1;

export async function kills(stack: Stack, tenant: Tenant, say: (line: string) => void): Promise<Row[]> {
  const counter = createCallCounter(stack.sandboxUrl);
  const account = await connectWithMedia(stack, tenant, 'tiktok', MEDIA);
  for (const seen of KILLS) {
    await until(`${seen} rows`, 120_000, async () =>
      (await copiedRows(stack, account)).rows >= seen ? true : null,
    );
    await stack.restart('worker');
    say(`killed with ${(await copiedRows(stack, account)).rows} of ${MEDIA} rows`);
  }
  await untilCopied(stack, account);
  const truth = await createCreator(stack.sandboxUrl, 'tiktok').all(account.openId);
  const { ids, twice } = await copiedRows(stack, account);
  const copies = new Set(ids);
  const gaps = truth.filter(({ id }) => !copies.has(id)).length;
  const duplicates = ids.length - copies.size + twice;
  const again = ((await counter.calls(account.openId)).counts['video.list'] ?? 0) - PAGES;
  return [
    count(
      `worker killed (SIGKILL) ${KILLS.length} times during a first pass over ${MEDIA} media: duplicate rows`,
      duplicates,
      0,
    ),
    count('of these media: missing', gaps, 0),
    count('pages read again', again, KILLS.length),
  ];
}

interface Copied {
  rows: number;
  ids: string[];
  /** Values that were stored although they had not changed. */
  twice: number;
}

async function copiedRows({ sql }: Stack, { id }: Synced): Promise<Copied> {
  const [row] = await sql<Copied[]>`
    select count(*)::int as rows, coalesce(json_agg(video_id), '[]') as ids,
      (select count(*)::int from (
        select value, lag(value) over (partition by subject_id, metric, breakdown order by taken_at) as before
        from media_insights where oauth_account_id = ${id}) told where value = before) as twice
    from tiktok_videos where oauth_account_id = ${id}`;
  return row ?? { rows: 0, ids: [], twice: 0 };
}

const count = (name: string, measured: number, most: number): Row => ({
  name,
  measured: String(measured),
  budget: most === 0 ? '0' : `<= ${most}`,
  ok: measured <= most,
});
