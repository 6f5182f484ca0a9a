import { readFileSync } from 'node:fs';
import { SAMPLE } from '../stack/checkout.ts';
import { uploadMedia } from '../stack/upload.ts';
import { barePublish, connectBare } from './bare-publish.ts';
import { firstCalls, publish as send, publishedAt, type SentPost } from './posts.ts';
import type { Row } from './report.ts';
import { type Stack, withStack } from './stack.ts';
import { median, ms, percentile, perSecond } from './stats.ts';
import { connectAccounts, newTenant, type Tenant } from './tenant.ts';

/** TikTok allows six posts a minute for one account, and the ledger enforces that: so there are many accounts. */
const PER_ACCOUNT = 5;
const ALONE = 40;
const AT_ONCE = 100;
const CLIENTS = 16;
const SCHEDULED = 60;
/** Long enough to offer all of them before the first is due. */
const SCHEDULED_AHEAD_MS = 20_000;
const SCHEDULED_EVERY_MS = 500;

/** How fast posts reach the provider and finish: alone, many at once, and by schedule. */
export async function publish(say: (line: string) => void): Promise<Row[]> {
  return withStack({}, async (stack) => {
    const tenant = await newTenant(stack);
    const accounts = await connectAccounts(tenant, stack, (ALONE + AT_ONCE + SCHEDULED) / PER_ACCOUNT);
    const accountOf = (index: number): string => accounts[Math.floor(index / PER_ACCOUNT)] ?? '';
    const mediaId = await uploadMedia(tenant.api, tenant.key, SAMPLE);
    const bare = await connectBare(stack, readFileSync(SAMPLE));
    say(`${accounts.length} accounts are connected`);

    const post = (index: number, more = {}): Promise<SentPost> =>
      send(tenant, accountOf(index), mediaId, `post ${index}`, more);
    // The first post also pays for modules that are loaded on first use.
    await publishedAt(stack, await send(tenant, accounts.at(-1) ?? '', mediaId, 'warm'));
    const alone: SentPost[] = [];
    const done: number[] = [];
    const bareMs: number[] = [];
    for (let index = 0; index < ALONE; index += 1) {
      const sent = await post(index);
      alone.push(sent);
      done.push((await publishedAt(stack, sent)) - sent.calledAt);
      bareMs.push(await timed(() => barePublish(bare)));
    }
    const calls = await firstCalls(stack, alone);
    const toCall = alone.map(({ title, calledAt }) => (calls.get(title) ?? Number.NaN) - calledAt);
    say(`alone: first call p50 ${ms(median(toCall))}`);

    const bareRate = AT_ONCE / ((await timed(() => inParallel(() => barePublish(bare)))) / 1000);
    const rate =
      AT_ONCE /
      ((await timed(() => inParallel(async (index) => publishedAt(stack, await post(ALONE + index))))) /
        1000);
    const swept = readFileSync(stack.server.logFile, 'utf8').split('left to the sweep').length - 1;
    say(`at once: ${perSecond(rate)}, ${swept} started by the sweep`);
    const late = await scheduledLate(stack, tenant, mediaId, accountOf);

    return [
      {
        name: `API call to first provider call, idle, p50 of ${ALONE}`,
        measured: ms(median(toCall)),
      },
      {
        name: `API call to first provider call, idle, p99 of ${ALONE}`,
        measured: ms(percentile(toCall, 0.99)),
        budget: '<= 300 ms',
        ok: percentile(toCall, 0.99) <= 300,
      },
      {
        name: `API call to published, idle, p50 of ${ALONE}`,
        measured: ms(median(done)),
        floor: ms(median(bareMs)),
        ratio: median(done) / median(bareMs),
      },
      {
        name: `API call to published, idle, p99 of ${ALONE}`,
        measured: ms(percentile(done, 0.99)),
        floor: ms(percentile(bareMs, 0.99)),
        ratio: percentile(done, 0.99) / percentile(bareMs, 0.99),
      },
      {
        name: `publishes a second, ${AT_ONCE} by ${CLIENTS} clients`,
        measured: perSecond(rate),
        floor: perSecond(bareRate),
        ratio: rate / bareRate,
      },
      {
        name: 'of these, not started at once because Temporal was too busy, but by the sweep',
        measured: String(swept),
      },
      {
        name: `scheduled time to first provider call, p50 of ${SCHEDULED}, ${perSecond(1000 / SCHEDULED_EVERY_MS)}`,
        measured: ms(median(late)),
      },
      {
        name: `scheduled time to first provider call, p99 of ${SCHEDULED}, ${perSecond(1000 / SCHEDULED_EVERY_MS)}`,
        measured: ms(percentile(late, 0.99)),
        budget: '<= 2 s',
        ok: percentile(late, 0.99) <= 2_000,
      },
    ];
  });
}

async function scheduledLate(
  stack: Stack,
  tenant: Tenant,
  mediaId: string,
  accountOf: (index: number) => string,
): Promise<number[]> {
  const first = Date.now() + SCHEDULED_AHEAD_MS;
  const due = new Map<string, number>();
  const posts: SentPost[] = [];
  for (let index = 0; index < SCHEDULED; index += 1) {
    const title = `scheduled ${index}`;
    const at = first + index * SCHEDULED_EVERY_MS;
    due.set(title, at);
    const scheduledAt = new Date(at).toISOString();
    posts.push(await send(tenant, accountOf(ALONE + AT_ONCE + index), mediaId, title, { scheduledAt }));
  }
  if (Date.now() > first)
    throw new Error('the first was due before the last was accepted: schedule them later');
  const calls = await firstCalls(stack, posts);
  return posts.map(({ title }) => (calls.get(title) ?? Number.NaN) - (due.get(title) ?? 0));
}

async function inParallel(work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < AT_ONCE) await work(next++);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}
