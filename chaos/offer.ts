import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './client.ts';
import { sha256At } from './files.ts';
import type { PlannedPublish, RoundPlan } from './plan.ts';
import type { World } from './world.ts';

/** An account of the round. */
export interface ChaosAccount {
  id: string;
  openId: string;
  username: string;
}

/** A publish as a client has seen it. */
export interface Offered {
  plan: PlannedPublish;
  title: string;
  account: ChaosAccount;
  /** Where the sandbox is to pull from; every URL names its post, so that what was pulled can be told apart. */
  urls: readonly string[];
  /** SHA-256 of each file that has to arrive, in order. */
  sha256s: readonly string[];
  /** The posts that answers have named: one, if all is well. */
  postIds: Set<string>;
  /** What was refused for good, or never answered. */
  refused: string | null;
  /** The API said that the post is cancelled. */
  cancelled: boolean;
}

/** Connects accounts of their own for the round, four at a time. */
export async function connectAccounts(
  { stack, api }: World,
  tag: string,
  count: number,
): Promise<ChaosAccount[]> {
  const names = Array.from({ length: count }, (_, index) => `chaos_${tag}_${index}`);
  const left = [...names];
  const work = async (): Promise<void> => {
    for (let username = left.pop(); username !== undefined; username = left.pop()) {
      await api.control('POST', '/tiktok/creators', { username });
      await api.connect(username);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  const rows = await stack.sql<{ id: string; openId: string; username: string }[]>`
    select id, open_id as "openId", username from oauth_accounts where username in ${stack.sql(names)}`;
  return names.map((username) => {
    const row = rows.find((candidate) => candidate.username === username);
    if (row === undefined) throw new Error(`${username} was not connected`);
    return { ...row };
  });
}

/** Offers all publishes of a plan at their times. @returns promises that end when the API has answered for good */
export function offerAll(
  world: World,
  plan: RoundPlan,
  tag: string,
  accounts: readonly ChaosAccount[],
): { offered: Offered[]; done: Promise<unknown> } {
  const offered = plan.publishes.map((publish, index): Offered => {
    const account = accounts[publish.account];
    if (account === undefined) throw new Error(`no account ${publish.account}`);
    const title = `chaos-${tag}-${index}`;
    const urls = urlsOf(world.pulls.url, publish, title);
    return {
      plan: publish,
      title,
      account,
      urls,
      sha256s: publish.source === 'file' ? [world.files[publish.file].sha256] : urls.map(sha256At),
      postIds: new Set(),
      refused: null,
      cancelled: false,
    };
  });
  return { offered, done: Promise.all(offered.map((one) => offer(world, one))) };
}

async function offer(world: World, one: Offered): Promise<void> {
  const { plan } = one;
  await sleep(plan.at);
  const mediaId = await mediaOf(world, plan);
  if (mediaId === null) {
    one.refused = 'the file was not taken';
    return;
  }
  const body = bodyOf(one, mediaId);
  const headers = { 'idempotency-key': randomUUID() };
  const submit = async (server: number): Promise<void> =>
    note(one, await world.api.insist('POST', '/api/tiktok/upload', { server, body, headers }));
  await Promise.all(Array.from({ length: plan.calls }, (_, index) => submit(plan.account + index)));

  const [id] = one.postIds;
  if (id === undefined) return;
  const later: Promise<void>[] = [];
  if (plan.replayAfterMs !== null) later.push(sleep(plan.replayAfterMs).then(() => submit(plan.account + 1)));
  if (plan.rescheduleAfterMs !== null) later.push(reschedule(world, one, id));
  if (plan.cancelAfterMs !== null) later.push(cancel(world, one, id, plan.cancelAfterMs));
  await Promise.all(later);
}

async function mediaOf({ api, files }: World, { source, file, ownUpload, account }: PlannedPublish) {
  if (source !== 'file') return undefined;
  return ownUpload ? api.upload(files[file].bytes, account) : files[file].mediaId;
}

const HOUR_MS = 3_600_000;

function bodyOf({ plan, title, account, urls }: Offered, mediaId: string | undefined): object {
  const direct = plan.mode === 'direct';
  const due = plan.rescheduleAfterMs === null ? plan.scheduledInMs : HOUR_MS;
  return {
    accountId: account.id,
    mode: plan.mode,
    postInfo: { title, ...(direct ? { privacy_level: 'PUBLIC_TO_EVERYONE' } : {}) },
    ...(due === null ? {} : { scheduledAt: inMs(due) }),
    ...(mediaId === undefined
      ? {
          source: 'PULL_FROM_URL',
          ...(plan.source === 'photos' ? { photoUrls: urls } : { videoUrl: urls[0] }),
        }
      : { source: 'FILE_UPLOAD', mediaId }),
  };
}

function urlsOf(base: string, { source }: PlannedPublish, title: string): string[] {
  switch (source) {
    case 'file':
      return [];
    case 'photos':
      return [1, 2].map((number) => `${base}/photos/${title}/${number}.jpg`);
    default:
      return [`${base}/${source === 'missing' ? 'missing' : 'videos'}/${title}/v.mp4`];
  }
}

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

function note(one: Offered, answer: Answer | null): void {
  if (answer?.status === 202) one.postIds.add(answer.body.id);
  else one.refused = answer === null ? 'no answer' : `${answer.status} ${JSON.stringify(answer.body)}`;
}

async function cancel({ api }: World, one: Offered, id: string, afterMs: number): Promise<void> {
  await sleep(afterMs);
  const answer = await api.insist('POST', `/api/posts/${id}/cancel`, { server: one.plan.account });
  one.cancelled = answer?.status === 200 && answer.body.state === 'cancelled';
}

async function reschedule({ api }: World, { plan }: Offered, id: string): Promise<void> {
  await sleep(plan.rescheduleAfterMs ?? 0);
  await api.insist('PATCH', `/api/posts/${id}`, {
    server: plan.account,
    body: { scheduledAt: inMs(plan.scheduledInMs ?? 0) },
  });
}
