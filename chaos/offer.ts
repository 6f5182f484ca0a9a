import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './client.ts';
import { sha256At } from './files.ts';
import type { PlannedPublish, RoundPlan } from './plan.ts';
import { driverOf } from '../test/drivers/index.ts';
import type { PlannedFile, Taken } from '../test/drivers/chaos.ts';
import type { ChaosAccount } from './creators.ts';
import type { World } from './world.ts';

/** A publish as a client has seen it. */
export interface Offered {
  plan: PlannedPublish;
  title: string;
  account: ChaosAccount;
  /** Where the provider is to pull from, for each of its files that does not come from us; it names the post. */
  urls: readonly (string | null)[];
  /** SHA-256 of each file that has to arrive, in order. */
  sha256s: readonly string[];
  /** The posts that answers have named: one, if all is well. */
  postIds: Set<string>;
  /** What was refused for good, or never answered. */
  refused: string | null;
  /** The API said that the post is cancelled. */
  cancelled: boolean;
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
    const urls = publish.content.files.map((file, number) => urlOf(world.pulls.url, file, title, number));
    return {
      plan: publish,
      title,
      account,
      urls,
      sha256s: publish.content.files.map((file, number) =>
        file.from === 'upload' ? world.files[file.name].sha256 : sha256At(urls[number] ?? ''),
      ),
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
  const files = await filesOf(world, one);
  if (files === null) {
    one.refused = 'a file was not taken';
    return;
  }
  const body = bodyOf(one, files);
  const { publishPath } = driverOf(one.account.provider);
  const headers = { 'idempotency-key': randomUUID() };
  const submit = async (server: number): Promise<void> =>
    note(one, await world.api.insist('POST', publishPath, { server, body, headers }));
  await Promise.all(Array.from({ length: plan.calls }, (_, index) => submit(plan.account + index)));

  const [id] = one.postIds;
  if (id === undefined) return;
  const later: Promise<void>[] = [];
  if (plan.replayAfterMs !== null) later.push(sleep(plan.replayAfterMs).then(() => submit(plan.account + 1)));
  if (plan.rescheduleAfterMs !== null) later.push(reschedule(world, one, id));
  if (plan.cancelAfterMs !== null) later.push(cancel(world, one, id, plan.cancelAfterMs));
  await Promise.all(later);
}

/** @returns null: one was not taken */
async function filesOf({ api, files }: World, { plan, urls }: Offered): Promise<Taken[] | null> {
  const taken: Taken[] = [];
  for (const [number, file] of plan.content.files.entries()) {
    if (file.from === 'url') {
      taken.push({ url: urls[number] ?? '', what: file.what });
      continue;
    }
    const { mediaId, bytes } = files[file.name];
    const type = file.name === 'image' ? 'image/jpeg' : 'video/mp4';
    const id = plan.ownUpload ? await api.upload(bytes, type, plan.account) : mediaId;
    if (id === null) return null;
    taken.push({ mediaId: id });
  }
  return taken;
}

const HOUR_MS = 3_600_000;

function bodyOf({ plan, title, account }: Offered, files: readonly Taken[]): object {
  const due = plan.rescheduleAfterMs === null ? plan.scheduledInMs : HOUR_MS;
  return {
    accountId: account.id,
    ...driverOf(account.provider).chaos.body(plan.content, title, files),
    ...(due === null ? {} : { scheduledAt: inMs(due) }),
  };
}

function urlOf(base: string, file: PlannedFile, title: string, number: number): string | null {
  if (file.from === 'upload') return null;
  const folder = file.missing === true ? 'missing' : 'files';
  return `${base}/${folder}/${title}/${number}.${file.what === 'image' ? 'jpg' : 'mp4'}`;
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
