import { allHandlersFinished, condition, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { positionOf, type Step } from '../plan.ts';
import type { PublishPostInput, StepOutcome } from '../temporal/contract.ts';
import { DAY, MINUTE } from '../durations.ts';
import { renewToken, settlePost } from './activity-options.ts';
import { handleCancel, type Cancellation } from './post-cancellation.ts';
import { startProgress, type PostProgress } from './post-progress.ts';
import { handleWakeUps, type PostWaits } from './post-waits.ts';
import { createWork, describe, type PostWork } from './post-work.ts';
import { postSettled } from '../temporal/messages.ts';

/** How long to look for a write whose answer was lost before the post ends as `unknown`. */
const RECONCILE_FOR = '24 hours';

/** The parts that the workflow of one post works with. */
interface Run {
  readonly accountId: string;
  readonly post: PostProgress;
  readonly work: PostWork;
  readonly cancellation: Cancellation;
  readonly waits: PostWaits;
  /** The number of tokens in a row that the provider refused. */
  refusals: number;
}

/**
 * Publishes one post by performing its plan step by step. Waits for quota and account happen inside the first write:
 * its answer asks for them.
 * @returns the post's final state
 */
export async function publishPost({ postId, accountId, plan, waitMs }: PublishPostInput): Promise<string> {
  const post = startProgress({ postId, plan, state: waitMs > 0 ? 'scheduled' : 'accepted' });
  const work = createWork(postId);
  setHandler(postSettled, (end) => {
    post.settled = end.state;
    work.stop();
  });
  const cancellation = handleCancel(post, work);
  const waits = handleWakeUps(post, cancellation);
  const run: Run = { accountId, post, work, cancellation, waits, refusals: 0 };

  if (waitMs > 0) {
    setCurrentDetails('**scheduled**\n\nWaits until the post is due');
    await waits.pause(waitMs, 'until the post is due');
  }
  while (post.settled === null) {
    const step = post.nextStep();
    if (cancellation.isDue() && (await cancellation.carryOut())) continue;
    if (step.kind === 'await' && post.state.startsWith('waiting_')) post.state = 'processing';
    post.show(post.state, describe(step));
    // Reset before the step reads its rows: a change during the step is a reason to check again.
    waits.lookNow();
    const outcome = await work.perform(step);
    if (post.settled !== null) break;
    await follow(run, step, outcome);
  }
  post.show(post.settled, 'Finished.');
  await condition(allHandlersFinished);
  return post.settled;
}

/** Applies the outcome of a step. */
async function follow(run: Run, step: Step, outcome: StepOutcome): Promise<void> {
  const { post, waits } = run;
  if (outcome.kind !== 'token_refused') run.refusals = 0;
  switch (outcome.kind) {
    case 'done':
      post.position += 1;
      post.state = outcome.state;
      post.publishId = outcome.publishId ?? post.publishId;
      return;
    case 'wait':
      post.state = outcome.state;
      post.show(post.state, `${outcome.why}, asks again in ${Math.ceil(outcome.ms / 1000)} s`);
      return waits.pause(outcome.ms, outcome.why);
    case 'token_refused':
      return awaitFreshToken(run, outcome.tokenVersion);
    case 'repeat':
      post.position = positionOf(post.plan, outcome.step);
      post.show(post.state, `${outcome.why}, performs ${outcome.step} again`);
      if (outcome.ms > 0) await waits.pause(outcome.ms, outcome.why);
      return;
    case 'unknown':
      return reconcile(run, step, outcome.again);
    case 'given_up':
      post.settled = (await settlePost({ postId: post.postId, state: 'unknown', why: outcome.why })).state;
      return;
    case 'settled':
      post.settled = outcome.state;
      return;
    case 'stopped':
      // The message that stopped the step has also decided what the loop does next.
      return;
  }
}

/** Waits until the account's token keeper has renewed the refused token. */
async function awaitFreshToken(run: Run, tokenVersion: number): Promise<void> {
  const { accountId, post, work, cancellation, waits } = run;
  run.refusals += 1;
  if (run.refusals > 1) {
    // A third token so soon is unlikely to do better.
    post.show(post.state, `${run.refusals} tokens were refused, waits before the next one`);
    const minutes = Math.min(2 ** (run.refusals - 2), 60);
    await waits.pause(minutes * MINUTE, 'until another token is asked for');
  }
  if (post.settled !== null || cancellation.isDue()) return;
  post.show(post.state, 'Waits for a fresh token');
  await work.stoppable(() => renewToken({ accountId, tokenVersion }));
}

/**
 * Finds out what happened to a write whose answer was lost. The post may be live, so the write is never repeated on a
 * guess: only an event or a look-up can end this.
 * @param again milliseconds until the provider may show the post; absent if it cannot be looked up
 */
async function reconcile(run: Run, step: Step, again: number | undefined): Promise<void> {
  const { post } = run;
  post.state = 'processing';
  post.passNoReturn();
  post.show(post.state, `The answer of ${step.name} was lost; looks whether the post is live`);
  if (again === undefined) await condition(() => post.settled !== null, RECONCILE_FOR);
  else {
    const found = await lookUp(run, step, again);
    if (found !== null) {
      post.position = post.plan.indexOf(step);
      return follow(run, step, found);
    }
  }
  post.settled ??= (await settlePost({ postId: post.postId, state: 'unknown' })).state;
}

/** Looks for a lost write for a day, at intervals that triple. @returns null if it was not found, or the post ended */
async function lookUp({ post, work }: Run, step: Step, first: number): Promise<StepOutcome | null> {
  for (let left = DAY, ms = first; left > 0; left -= ms, ms = Math.min(3 * ms, left)) {
    if (await condition(() => post.settled !== null, ms)) return null;
    const found = await work.perform(step);
    if (found.kind !== 'unknown') return found;
  }
  return null;
}
