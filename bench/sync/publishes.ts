import { createCallCounter } from '../../sandbox/testing/creator.ts';
import { SAMPLE } from '../../stack/checkout.ts';
import { uploadMedia } from '../../stack/upload.ts';
import { firstCalls, publish, publishedAt, type SentPost } from '../posts.ts';
import type { Row } from '../report.ts';
import type { Stack } from '../stack.ts';
import { median, ms, spread } from '../stats.ts';
import { connectAccounts, type Tenant } from '../tenant.ts';
import { until } from '../until.ts';
import { connectWithMedia, type Synced, untilCopied } from './accounts.ts';

/* How long a publish takes to reach its platform while another account's media are copied, and while nothing is. */

const MEDIA = 5_000;
const ROUNDS = 8;
/** TikTok allows six posts a minute for an account. */
const EACH = 3;
const RATIO = 1.1;

export async function publishes(stack: Stack, tenant: Tenant, say: (line: string) => void): Promise<Row[]> {
  const mediaId = await uploadMedia(tenant.api, tenant.key, SAMPLE);
  const publishers = await connectAccounts(tenant, stack, 2 * ROUNDS);
  let sent = 0;
  /** Publishes one after the other. @returns the milliseconds until the platform got the first call of each */
  const toCall = async (accountId: string | undefined): Promise<number[]> => {
    const posts: SentPost[] = [];
    for (let index = 0; index < EACH; index += 1) {
      const post = await publish(tenant, accountId ?? '', mediaId, `during sync ${(sent += 1)}`);
      await publishedAt(stack, post);
      posts.push(post);
    }
    const calls = await firstCalls(stack, posts);
    return posts.map(({ title, calledAt }) => (calls.get(title) ?? Number.NaN) - calledAt);
  };
  await toCall(publishers.at(-1));
  const times = { idle: [] as number[], during: [] as number[] };
  let ended = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    times.idle.push(...(await toCall(publishers[2 * round])));
    // Connecting begins the first pass.
    const account = await connectWithMedia(stack, tenant, 'tiktok', MEDIA);
    await underWay(stack, account);
    times.during.push(...(await toCall(publishers[2 * round + 1])));
    if (await isOver(stack, account)) ended += 1;
    await untilCopied(stack, account);
  }
  say(`${ended} of ${ROUNDS} backfills ended before their posts`);
  const ratio = median(times.during) / median(times.idle);
  return [
    {
      name: `API call to first provider call during a backfill of ${MEDIA} media, p50 of ${times.during.length}; floor: idle`,
      measured: spread(times.during, ms),
      floor: spread(times.idle, ms),
      ratio,
      budget: `ratio <= ${RATIO}`,
      ok: ratio <= RATIO,
    },
  ];
}

/** Waits until the first pages are read. */
async function underWay(stack: Stack, account: Synced): Promise<void> {
  const counter = createCallCounter(stack.sandboxUrl);
  await until('the backfill to be under way', 120_000, async () =>
    (await counter.calls(account.openId)).total > 3 ? true : null,
  );
}

async function isOver({ sql }: Stack, { id }: Synced): Promise<boolean> {
  const [line] = await sql<{ over: boolean }[]>`
    select backfill_complete as over from sync_states where oauth_account_id = ${id} and stream = 'media'`;
  return line?.over === true;
}
