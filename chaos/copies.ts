import { setTimeout as sleep } from 'node:timers/promises';
import { createCommenting } from '../sandbox/testing/comments.ts';
import { createCreator } from '../sandbox/testing/creator.ts';
import type { ChaosAccount } from './creators.ts';
import { reconnect } from './drive.ts';
import { offence, type Offence } from './offence.ts';
import { endBackoffs } from './time.ts';
import type { World } from './world.ts';

/* The copies of a round's accounts against what the platforms know, once the faults are over. */

const PATIENCE_MS = 180_000;
/** The first one may have begun under faults; the second removes what the first has missed; the third ends that. */
const PASSES = 3;

interface MediaTruth {
  id: string;
  text: string;
  visible: boolean;
  counts: Readonly<Record<string, number>>;
}

interface Copy {
  id: string;
  text: string | null;
  metrics: Readonly<Record<string, number>>;
  removed: boolean;
}

interface CopiedComment {
  id: string;
  mediaId: string;
  text: string | null;
  removed: boolean;
}

export interface Copied {
  /** Copies of media that were compared. */
  copies: number;
  offences: Offence[];
}

/** Asks for full passes over all accounts, and compares. */
export async function compareCopies(world: World, accounts: readonly ChaosAccount[]): Promise<Copied> {
  const read = await readAccounts(world, accounts);
  for (let pass = 0; pass < PASSES; pass += 1) {
    await age(world, read);
    const late = await fullPasses(world, read);
    if (late.length > 0) return { copies: 0, offences: late.map((what) => offence('loss', what)) };
  }
  const found = await Promise.all(read.map(async (account) => compareAccount(world, account)));
  return {
    copies: found.reduce((total, { copies }) => total + copies, 0),
    offences: found.flatMap(({ offences }) => offences),
  };
}

/** Accounts in service whose media are read. */
async function readAccounts(
  { stack: { sql } }: World,
  accounts: readonly ChaosAccount[],
): Promise<ChaosAccount[]> {
  const rows = await sql<{ id: string }[]>`
    select a.id from oauth_accounts a join sync_states s on s.oauth_account_id = a.id and s.stream = 'media'
    where a.status = 'active' and s.state not in ('unsupported', 'permission_missing')
      and a.id in ${sql(accounts.map(({ id }) => id))}`;
  const ids = new Set(rows.map(({ id }) => id));
  return accounts.filter(({ id }) => ids.has(id));
}

/** The waits for quotas, for the next try, and for the proof that a comment is gone, are over. */
async function age({ stack: { sql } }: World, accounts: readonly ChaosAccount[]): Promise<void> {
  const ids = accounts.map(({ id }) => id);
  await sql`update api_usage set refused_until = null, percent = null`;
  await sql`
    update sync_states set next_due_at = now(), state = 'idle'
    where state in ('waiting_quota', 'failed') and oauth_account_id in ${sql(ids)}`;
  for (const table of ['ig_comments', 'threads_replies'])
    await sql`update ${sql(table)} set missing_since = missing_since - interval '11 minutes' where missing_since is not null`;
}

/** @returns those that did not come to an end */
async function fullPasses(world: World, accounts: readonly ChaosAccount[]): Promise<string[]> {
  const { sql } = world.stack;
  const since = new Date();
  for (const { id } of accounts)
    await world.api.insist('POST', `/api/accounts/${id}/sync`, { body: { mode: 'full' } });
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const open = await sql<{ what: string; id: string }[]>`
      select oauth_account_id as id, stream || ' of ' || oauth_account_id || ' is ' || state || coalesce(': ' || reason, '') as what
      from sync_states where oauth_account_id in ${sql(accounts.map(({ id }) => id))}
        and state not in ('unsupported', 'permission_missing')
        and (state <> 'idle' or last_success_at is null or last_success_at < ${since} or next_due_at <= now())`;
    if (open.length === 0) return [];
    if (Date.now() > end) return open.map(({ what }) => `the pass did not end: ${what}`);
    // Only a read may find out that a token was dead.
    await reconnect(world, accounts);
    await endBackoffs(world, [...new Set(open.map(({ id }) => `sync:${id}`))]);
    await sleep(500);
  }
}

async function compareAccount({ stack }: World, account: ChaosAccount): Promise<Copied> {
  const { sql, sandboxUrl } = stack;
  const { id, openId, provider, username } = account;
  const truth = await createCreator(sandboxUrl, provider).all(openId);
  // Stories end by themselves, by a clock that chaos moves.
  const copies = await sql<Copy[]>`
    select provider_media_id as id, text, metrics, removed_at is not null as removed from all_media
    where account_id = ${id} and type is distinct from 'story'`;
  const commenting = createCommenting(sandboxUrl, provider);
  const replies = (await commenting?.all()) ?? [];
  const wrong = compareMedia(truth, copies, new Set(replies.map((reply) => reply.id)));
  if (await readsComments(sql, id)) {
    const visible = new Set(truth.flatMap((one) => (one.visible ? [one.id] : [])));
    const parts = new Set(copies.map((copy) => copy.id));
    const copied = await sql<CopiedComment[]>`
      select provider_comment_id as id, provider_media_id as "mediaId", text, removed_at is not null as removed
      from all_comments where account_id = ${id}`;
    const isOf = ({ mediaId }: { mediaId: string }): boolean => visible.has(mediaId);
    wrong.push(
      ...compareComments(
        // The later posts of a chain are media of ours.
        replies.filter((reply) => isOf(reply) && !parts.has(reply.id)),
        copied.filter((copy) => isOf(copy) && !copy.removed),
        new Set(replies.map((reply) => reply.id)),
      ),
    );
  }
  return {
    copies: copies.length,
    offences: wrong.map(([kind, what]) => offence(kind, `${provider} ${username}: ${what}`)),
  };
}

type Wrong = [Offence['kind'], string];

/** @param replies ids of what is listed as a reply: the later posts of a chain are copies of media too */
function compareMedia(
  truth: readonly MediaTruth[],
  copies: readonly Copy[],
  replies: ReadonlySet<string>,
): Wrong[] {
  const byId = new Map(copies.map((copy) => [copy.id, copy]));
  const wrong: Wrong[] = [];
  if (byId.size < copies.length) wrong.push(['duplicate', `${copies.length} copies of ${byId.size} media`]);
  for (const media of truth) {
    const copy = byId.get(media.id);
    byId.delete(media.id);
    if (copy !== undefined) wrong.push(...compareOne(media, copy));
    else if (media.visible) wrong.push(['loss', `${media.id} (${media.text}) was not copied`]);
  }
  for (const copy of byId.values())
    if (!copy.removed && !replies.has(copy.id))
      wrong.push(['mismatch', `a copy of ${copy.id}, which the platform does not have`]);
  return wrong;
}

function compareOne({ id, text, visible, counts }: MediaTruth, copy: Copy): Wrong[] {
  const wrong: Wrong[] = [];
  if (copy.removed === visible)
    wrong.push(['mismatch', `${id} is ${visible ? 'there' : 'gone'}, its copy is not`]);
  if (!visible) return wrong;
  if ((copy.text ?? '') !== text) wrong.push(['mismatch', `${id} says ${text}, its copy ${copy.text}`]);
  for (const [name, value] of Object.entries(counts)) {
    const told = copy.metrics[name];
    if (told !== undefined && told !== value)
      wrong.push(['mismatch', `${id} has ${value} ${name}, its copy ${told}`]);
  }
  return wrong;
}

/** @param known the ids of all comments that exist, at any depth */
function compareComments(
  truth: readonly { id: string; text: string }[],
  copies: readonly CopiedComment[],
  known: ReadonlySet<string>,
): Wrong[] {
  const byId = new Map(copies.map((copy) => [copy.id, copy]));
  const wrong: Wrong[] = [];
  for (const { id, text } of truth) {
    const copy = byId.get(id);
    if (copy === undefined) wrong.push(['loss', `the comment ${id} was not copied`]);
    else if (copy.text !== text)
      wrong.push(['mismatch', `the comment ${id} says ${text}, its copy ${copy.text}`]);
  }
  for (const { id } of copies)
    if (!known.has(id)) wrong.push(['mismatch', `a copy of the comment ${id}, which is gone`]);
  return wrong;
}

async function readsComments(sql: World['stack']['sql'], id: string): Promise<boolean> {
  const [row] = await sql`
    select from sync_states where oauth_account_id = ${id} and stream in ('comments', 'replies')
      and state not in ('unsupported', 'permission_missing')`;
  return row !== undefined;
}
