import { setTimeout as sleep } from 'node:timers/promises';
import type { ProviderName } from '../providers/provider.ts';
import { comeBack } from './accounts.ts';
import { offence, type Offence } from './offence.ts';
import { driverOf, DRIVERS } from '../test/drivers/index.ts';
import { listOf } from '../test/drivers/sandbox.ts';
import type { ChaosAccount } from './creators.ts';
import { ownerless } from './owners.ts';
import { endBackoffs, openWorkflows, skipTime } from './time.ts';
import { sleepers } from './wakeups.ts';
import type { World } from './world.ts';

/*
 * Drives a round to its end after the faults have stopped: everything that waits for hours or days gets them at once.
 */

/** A round is given up when no post has come to its end for as long: a busy machine is slow, not wrong. */
const PATIENCE_MS = 240_000;
/** A post that has not moved for as long waits for something. */
const STILL_MS = 2_500;
const PAUSE_MS = 700;

interface OpenPost {
  id: string;
  state: string;
  phase: string | null;
  still: boolean;
  provider: ProviderName;
}

/** Whether only events can tell what became of it. */
const isLost = ({ phase, provider }: OpenPost): boolean =>
  phase === 'reconciling' && !driverOf(provider).chaos.tells;

/**
 * @param calls the API calls that are still being tried; their posts may wait for what is done here
 * @returns what did not come to its end by itself
 */
export async function drive(
  world: World,
  accounts: readonly ChaosAccount[],
  calls: Promise<unknown>,
): Promise<Offence[]> {
  let end = Date.now() + PATIENCE_MS;
  let fewest = Infinity;
  const offences = new Map<string, Offence>();
  const offend = (what: string, postId: string | null = null): void =>
    void offences.set(`${what} ${postId}`, offence('loss', what, postId));
  const unowned = async (): Promise<void> => {
    for (const id of await ownerless(world, accounts)) offend('open without a workflow', id);
  };
  let answered = false;
  const allAnswered = calls.then(() => (answered = true));
  await unowned();
  for (;;) {
    await sweep(world);
    const open = await openPosts(world, accounts);
    if (open.length === 0 && answered) break;
    if (open.length < fewest) end = Date.now() + PATIENCE_MS;
    fewest = Math.min(fewest, open.length);
    if (Date.now() > end) {
      await unowned();
      offend(`${open.length} posts did not come to an end`);
      return [...offences.values()];
    }
    world.say(
      `${open.length} open: ${[...new Set(open.map(({ state, phase }) => `${state} ${phase ?? ''}`))].join(', ')}`,
    );
    await reconnect(world, accounts);
    await moveLedger(world, accounts);
    const { rightly, unwoken } = await sleepers(world, accounts);
    for (const id of unwoken) offend('nobody woke it when its creator came back', id);
    const lost = open.filter(isLost);
    if (lost.length === open.length && answered) await giveUpLost(world, lost);
    else await hurry(world, accounts, open, [...rightly, ...unwoken]);
    await sleep(PAUSE_MS);
  }
  await allAnswered;
  await eventsApplied(world);
  for (const workflowId of await openWorkflows(world, 'publishPost', 30_000))
    offend(`${workflowId} runs without an open post`);
  return [...offences.values()];
}

async function openPosts({ stack: { sql } }: World, accounts: readonly ChaosAccount[]): Promise<OpenPost[]> {
  return sql<OpenPost[]>`
    select id, state, phase, provider, updated_at < now() - ${STILL_MS} * interval '1 millisecond' as still from posts
    where oauth_account_id in ${sql(accounts.map(({ id }) => id))}
      and state not in ('published', 'delivered', 'failed', 'cancelled', 'unknown')`;
}

/** The Schedule would do it within a minute. */
async function sweep({ stack }: World): Promise<void> {
  await stack.temporal.schedule
    .getHandle('sweep')
    .trigger()
    .catch(() => {});
}

/** A refresh whose answer was lost cost the account its tokens: the creator connects it again. */
export async function reconnect(
  { stack: { sql }, api }: World,
  accounts: readonly ChaosAccount[],
): Promise<void> {
  const rows = await sql<{ id: string }[]>`
    select id from oauth_accounts
    where status = 'reauth_required' and id in ${sql(accounts.map(({ id }) => id))}`;
  const waiting = new Set(rows.map(({ id }) => id));
  for (const account of accounts) if (waiting.has(account.id)) await comeBack(api, account);
}

/** A minute passes for calls, a day for drafts that wait in an inbox. */
async function moveLedger({ stack: { sql } }: World, accounts: readonly ChaosAccount[]): Promise<void> {
  await sql`
    update quota_reservations
    set at = at - case bucket when 'pending_share' then interval '1 day' else interval '1 minute' end
    where oauth_account_id in ${sql(accounts.map(({ id }) => id))}`;
}

/**
 * Ends the pauses of posts that wait for quota, and of retries.
 * @param sleeping posts that wait for their account, and whose hour may pass
 */
async function hurry(
  world: World,
  accounts: readonly ChaosAccount[],
  open: readonly OpenPost[],
  sleeping: readonly string[],
): Promise<void> {
  const still = open.filter((post) => post.still && !isLost(post));
  const waiting = still.filter(({ id, state }) => state === 'waiting_quota' || sleeping.includes(id));
  const skip = (enabled: boolean): Promise<unknown> =>
    Promise.all(waiting.map(({ id }) => skipTime(world, `post:${id}`, enabled)));
  await skip(true);
  await endBackoffs(
    world,
    still.map(({ id }) => `post:${id}`),
  );
  if (still.length > 0)
    await endBackoffs(
      world,
      accounts.map(({ id, provider }) => `token:${provider}:${id}`),
    );
  if (waiting.length === 0) return;
  await sleep(PAUSE_MS);
  // What a post waits for next, it waits for in real time again.
  await skip(false);
}

/** Only events can tell what became of these: when all have come and been applied, their day may pass. */
async function giveUpLost(world: World, lost: readonly OpenPost[]): Promise<void> {
  await eventsApplied(world);
  for (const { id } of lost) await skipTime(world, `post:${id}`);
}

/** Waits until every webhook has arrived, and been applied if it can be. */
async function eventsApplied(world: World): Promise<void> {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    let waiting = 0;
    for (const { provider } of DRIVERS) {
      const deliveries: { state: string }[] = await listOf(world.api, `/${provider}/deliveries`);
      waiting += deliveries.filter(({ state }) => state === 'pending' || state === 'held').length;
    }
    if (waiting === 0) break;
    await sleep(200);
  }
  await sweep(world);
  for (let tries = 0; tries < 3; tries += 1) {
    const left = await openWorkflows(world, 'handleEvent', 1_500);
    if (left.length === 0) return;
    await endBackoffs(world, left);
    await sleep(500);
  }
}
