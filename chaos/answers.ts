import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCommenting } from '../sandbox/testing/comments.ts';
import { createCreator } from '../sandbox/testing/creator.ts';
import { driverOf } from '../test/drivers/index.ts';
import type { Answer } from './client.ts';
import type { ChaosAccount, PlannedAccount } from './creators.ts';
import { offence, type Offence } from './offence.ts';
import { createRandom } from './random.ts';
import { endBackoffs, skipTime } from './time.ts';
import type { World } from './world.ts';

/*
 * Comments that a client answers during a round. However often the answer of the platform is lost, its reply is there
 * once.
 */

/** One comment and the reply to it. */
export interface PlannedAnswer {
  /** Milliseconds from the start of the round. */
  at: number;
  /** Number of the account. */
  account: number;
  /** Identical API calls at once, with one key. */
  calls: number;
  /** The same call once more, as long after it was accepted. */
  replayAfterMs: number | null;
  /** What happens to the platform's next answers to a reply. */
  fault: 'accept-then-drop' | 'accept-then-500' | 'truncated' | 'drop-before' | null;
}

/** A reply as a client has seen it. */
export interface Answered {
  account: ChaosAccount;
  text: string;
  /** The actions that the API has named: one, if all is well; none if it refused. */
  actionIds: Set<string>;
}

const HOW_MANY = 6;
const COPIED_MS = 60_000;
const ENDED_MS = 240_000;
/** The product looks for a lost reply again after so long. */
const LOOK_MS = 61_000;

/** A stream of numbers of its own: the plans of known seeds stay as they are. */
export function planAnswers(
  seed: number,
  accounts: readonly PlannedAccount[],
  durationMs: number,
): PlannedAnswer[] {
  const random = createRandom(seed ^ 0xa25e);
  const able = accounts.flatMap(({ provider }, number) =>
    driverOf(provider).chaos.reply === null ? [] : [number],
  );
  return Array.from({ length: HOW_MANY }, () => ({
    at: random.int(0, durationMs),
    account: random.pick(able),
    calls: random.weigh([
      [1, 60],
      [3, 40],
    ]),
    replayAfterMs: random.chance(0.3) ? random.int(0, 4_000) : null,
    fault: random.weigh([
      ['accept-then-drop', 30],
      ['accept-then-500', 20],
      ['truncated', 10],
      ['drop-before', 10],
      [null, 30],
    ]),
  }));
}

/** Has people comment, and answers them. @returns promises that end when the API has answered for good */
export function answerAll(
  world: World,
  plan: readonly PlannedAnswer[],
  tag: string,
  accounts: readonly ChaosAccount[],
): { answers: Answered[]; done: Promise<unknown> } {
  const answers = plan.map((one, number): Answered => {
    const account = accounts[one.account];
    if (account === undefined) throw new Error(`no account ${one.account}`);
    return { account, text: `answer ${tag}-${number}`, actionIds: new Set() };
  });
  return { answers, done: Promise.all(plan.map((one, number) => answer(world, one, answers[number]))) };
}

async function answer(world: World, plan: PlannedAnswer, one: Answered | undefined): Promise<void> {
  if (one === undefined) return;
  await sleep(plan.at);
  const commentId = await copiedComment(world, one);
  if (commentId === null) return;
  const { reply } = driverOf(one.account.provider).chaos;
  if (plan.fault !== null && reply !== null)
    await world.api.control('POST', '/faults', {
      endpoint: reply,
      account: one.account.openId,
      kind: plan.fault,
    });
  const request = { body: { text: one.text }, headers: { 'idempotency-key': randomUUID() } };
  const submit = async (server: number): Promise<void> =>
    note(one, await world.api.insist('POST', `/api/comments/${commentId}/reply`, { server, ...request }));
  await Promise.all(Array.from({ length: plan.calls }, (_, index) => submit(plan.account + index)));
  if (plan.replayAfterMs === null) return;
  await sleep(plan.replayAfterMs);
  await submit(plan.account + 1);
}

function note(one: Answered, told: Answer | null): void {
  if (told !== null && told.status < 300) one.actionIds.add(told.body.id);
}

/** Somebody comments on a media that no other act touches. @returns the copy's id; null: it was not copied in time */
async function copiedComment({ stack, api }: World, { account, text }: Answered): Promise<string | null> {
  const { id, openId, provider } = account;
  const commenting = createCommenting(stack.sandboxUrl, provider);
  if (commenting === null) return null;
  const mediaId = await createCreator(stack.sandboxUrl, provider).make({
    account: openId,
    text: `media of ${text}`,
    createdAt: Date.now(),
  });
  const question = `question of ${text}`;
  await commenting.make(mediaId, question);
  const end = Date.now() + COPIED_MS;
  for (let tries = 1; Date.now() < end; tries += 1) {
    const found = await api.insist('GET', `/api/comments?accountId=${id}&q=${encodeURIComponent(question)}`);
    const copy = found?.status === 200 ? found.body.data[0] : undefined;
    if (copy !== undefined) return copy.id;
    // Its event may be lost.
    if (tries % 10 === 0) await api.insist('POST', `/api/accounts/${id}/sync`, { body: {} });
    await sleep(300);
  }
  return null;
}

/** Waits until every action has ended, and lets the minute pass in which a lost reply may appear. */
export async function endAnswers(world: World, answers: readonly Answered[]): Promise<void> {
  const { sql } = world.stack;
  const ids = answers.flatMap(({ actionIds }) => [...actionIds]);
  if (ids.length === 0) return;
  const end = Date.now() + ENDED_MS;
  while (Date.now() < end) {
    const open = await sql<{ id: string }[]>`
      update comment_actions set last_sent_at = last_sent_at - ${LOOK_MS} * interval '1 millisecond'
      where id in ${sql(ids)} and state in ('accepted', 'sent', 'unknown') and error is null
      returning id`;
    if (open.length === 0) return;
    const workflowIds = open.map(({ id }) => `action:${id}`);
    await Promise.all(workflowIds.map((workflowId) => skipTime(world, workflowId)));
    await endBackoffs(world, workflowIds);
    await sleep(2_000);
  }
}

/** Compares the actions, once they have ended, with the replies that the platforms have. */
export async function compareAnswers(
  { stack: { sql, sandboxUrl } }: World,
  answers: readonly Answered[],
): Promise<Offence[]> {
  const offences: Offence[] = [];
  for (const { account, text, actionIds } of answers) {
    const offend = (kind: Offence['kind'], what: string): void =>
      void offences.push(offence(kind, `${account.provider} ${account.username}: ${text}: ${what}`));
    const written = (await createCommenting(sandboxUrl, account.provider)?.all()) ?? [];
    const times = written.filter((reply) => reply.text === text).length;
    if (times > 1) offend('duplicate', `written ${times} times`);
    if (actionIds.size > 1) offend('duplicate', `one key made ${actionIds.size} actions`);
    const [id] = actionIds;
    if (id === undefined) {
      if (times > 0) offend('mismatch', 'written, but the API took no action');
      continue;
    }
    const [action] = await sql<{ state: string; gaveUp: boolean }[]>`
      select state, error is not null as "gaveUp" from comment_actions where id = ${id}`;
    if (action?.state === 'done' && times === 0) offend('loss', 'done, but not written');
    else if (action?.state === 'failed' && times > 0) offend('mismatch', 'failed, but written');
    else if (action?.state !== 'done' && action?.gaveUp !== true) offend('loss', `still ${action?.state}`);
  }
  return offences;
}

/** The posts that carry replies, where replies are posts. */
export async function postsOfAnswers(
  { stack: { sql } }: World,
  answers: readonly Answered[],
): Promise<Set<string>> {
  const ids = answers.flatMap(({ actionIds }) => [...actionIds]);
  if (ids.length === 0) return new Set();
  const rows = await sql<{ postId: string }[]>`
    select post_id as "postId" from comment_actions where id in ${sql(ids)} and post_id is not null`;
  return new Set(rows.map(({ postId }) => postId));
}
