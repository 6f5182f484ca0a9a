import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from './client.ts';
import { offence, type Offence } from './offence.ts';
import type { ProviderName } from '../providers/provider.ts';
import { driverOf, DRIVERS } from '../test/drivers/index.ts';
import { listOf, type Told } from '../test/drivers/sandbox.ts';
import type { ChaosAccount } from './creators.ts';
import { endBackoffs, openWorkflows } from './time.ts';
import type { World } from './world.ts';

/*
 * The provider's events against ours. An event may stay open only when no post can be told by it: it names a publish
 * whose init lost its answer, and which was made again or ended as `unknown`.
 */

const PATIENCE_MS = 30_000;

interface StoredEvent {
  provider: ProviderName;
  eventType: string;
  openId: string | null;
  /** As it came. */
  payload: string;
  open: boolean;
}

/** What an account's posts say about publishes that nobody knows. */
interface Account {
  openId: string;
  provider: ProviderName;
  publishIds: string[];
  /** Writes whose answer was lost. */
  lostWrites: number;
  /** Posts that an event could still be given to. */
  lostPosts: number;
}

export interface Strays {
  /** Events that fit no post, with good reason. */
  strays: number;
  offences: Offence[];
}

/** Waits until nothing is wrong with the events of a round, or it is. */
export async function compareEvents(world: World, accounts: readonly ChaosAccount[]): Promise<Strays> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const compared = await compareNow(world, accounts);
    if (compared.offences.length === 0 || Date.now() > end) return compared;
    await endBackoffs(world, await openWorkflows(world, 'handleEvent', 0));
    await sleep(500);
  }
}

async function compareNow(world: World, accounts: readonly ChaosAccount[]): Promise<Strays> {
  const stored = await readEvents(world, accounts);
  const strays = stored.filter(({ open }) => open);
  const offences = (await readAccounts(world, accounts)).flatMap((account) =>
    judge(
      account,
      strays.filter(({ openId }) => openId === account.openId),
    ),
  );
  const kept = new Set(
    stored.flatMap(({ provider, payload }) =>
      driverOf(provider)
        .chaos.toldBy(payload)
        .map(({ mark }) => mark),
    ),
  );
  for (const { mark } of await delivered(world, accounts))
    if (!kept.has(mark)) offences.push(offence('loss', `answered with 200, but not stored: ${mark}`));
  return { strays: strays.length, offences };
}

function judge(
  { provider, publishIds, lostWrites, lostPosts }: Account,
  strays: readonly StoredEvent[],
): Offence[] {
  const found: Offence[] = [];
  const nobodys = new Set<string>();
  // Its events concern no post, so that none has to wait.
  if (driverOf(provider).chaos.tells)
    return strays.map(({ payload }) => offence('loss', `an event was left open: ${payload}`));
  for (const { eventType, payload } of strays) {
    const publishId = publishIdOf(payload);
    if (publishId === null || publishIds.includes(publishId))
      found.push(offence('loss', `an event was left open that names what we have: ${payload}`));
    else nobodys.add(publishId);
    // Nothing but this post can have made what is live.
    if (lostPosts === 1 && eventType !== 'post.publish.failed')
      found.push(offence('loss', `an event was not given to the one post that lost its answer: ${payload}`));
  }
  if (nobodys.size > lostWrites)
    found.push(
      offence('mismatch', `${lostWrites} answers were lost, but events name ${nobodys.size} publishes`),
    );
  return found;
}

function publishIdOf(payload: string): string | null {
  const { content }: Json = JSON.parse(payload);
  const id: unknown = JSON.parse(content).publish_id;
  return typeof id === 'string' ? id : null;
}

const openIdsOf = (accounts: readonly ChaosAccount[]): string[] => accounts.map(({ openId }) => openId);

async function readEvents({ stack: { sql } }: World, accounts: readonly ChaosAccount[]) {
  return sql<StoredEvent[]>`
    select provider, event_type as "eventType", provider_account_id as "openId", payload_json::text as payload,
      processed_at is null as open
    from webhook_events
    where provider_account_id in ${sql(openIdsOf(accounts))} or provider_account_id is null`;
}

async function readAccounts({ stack: { sql } }: World, accounts: readonly ChaosAccount[]) {
  return sql<Account[]>`
    select open_id as "openId", provider,
      array(select publish_id from posts where oauth_account_id = accounts.id and publish_id is not null)
        as "publishIds",
      (select count(*)::int from publish_attempts tried join posts on posts.id = tried.post_id
        where oauth_account_id = accounts.id and (tried.status = 'unknown' or tried.provider_ref <> posts.publish_id))
        as "lostWrites",
      (select count(*)::int from posts
        where oauth_account_id = accounts.id and publish_id is null and state = 'unknown') as "lostPosts"
    from oauth_accounts accounts where id in ${sql(accounts.map(({ id }) => id))}`;
}

/** What the round's webhooks told that we have answered with 200. */
async function delivered({ api }: World, accounts: readonly ChaosAccount[]): Promise<Told[]> {
  const openIds = new Set(openIdsOf(accounts));
  const told: Told[] = [];
  for (const { provider, chaos } of DRIVERS) {
    const deliveries: { state: string; body: string }[] = await listOf(api, `/${provider}/deliveries`);
    for (const { state, body } of deliveries) if (state === 'delivered') told.push(...chaos.toldBy(body));
  }
  return told.filter(({ openId }) => openIds.has(openId));
}
