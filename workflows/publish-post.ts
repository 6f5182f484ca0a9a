import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { isRecallable, pointOfNoReturn, positionOf, type Step } from '../plan.ts';
import type { PublishPostInput, StepOutcome } from '../temporal/contract.ts';
import {
  awaitVerdict,
  performWrite,
  recallPost,
  renewToken,
  reschedule,
  settlePost,
  transferMedia,
} from './activity-options.ts';
import { cancelPost, lookAgain, postSettled, reschedulePost } from '../temporal/messages.ts';
import { EverpostProviderId, EverpostState } from '../temporal/names.ts';

/** How long a write whose answer was lost is looked for before the post ends as `unknown`. */
const RECONCILE_FOR = '24 hours';
const DAY_MS = 24 * 3_600_000;
const MINUTE_MS = 60_000;

/**
 * Publishes one post: performs its plan step by step. Waits for schedule, quota and account come before the first write
 * and are what a write answers when its time has not come.
 * @returns the post's final state
 */
export async function publishPost({ postId, accountId, plan, waitMs }: PublishPostInput): Promise<string> {
  let state = waitMs > 0 ? 'scheduled' : 'accepted';
  /** The state that operators see. */
  let shown = state;
  let position = 0;
  let publishId: string | null = null;
  let settled: string | null = null;
  let woken = false;
  let cancelling = false;
  /** How many tokens in a row were refused. */
  let refusals = 0;
  /** What is under way; a settled or cancelled post ends it. */
  let scope: CancellationScope | null = null;
  /** A write is never cut off: its outcome could not be told any more. */
  let writing = false;
  const recallable = isRecallable(plan);
  const noReturn = pointOfNoReturn(plan);

  setHandler(postSettled, (end) => {
    settled = end.state;
    scope?.cancel();
  });
  setHandler(lookAgain, () => {
    woken = true;
  });
  setHandler(
    cancelPost,
    async () => {
      cancelling = true;
      if (position <= noReturn && !writing) scope?.cancel();
      await condition(() => settled !== null || position > noReturn || !cancelling);
      if (settled === null && recallable) await recall();
      cancelling = false;
      if (settled !== 'cancelled') throw tooLate(settled ?? state);
      return { state: settled };
    },
    {
      validator: () => {
        if (settled !== null || (position > noReturn && !recallable)) throw tooLate(settled ?? state);
      },
    },
  );
  setHandler(
    reschedulePost,
    async ({ scheduledAt }) => {
      if (!(await reschedule({ postId, scheduledAt }))) throw tooLate(settled ?? state);
      woken = true;
      return { state };
    },
    {
      validator: (_to) => {
        if (settled !== null || position > 0 || cancelling) throw tooLate(settled ?? state);
      },
    },
  );

  if (waitMs > 0) {
    setCurrentDetails('**scheduled**\n\nWaits until the post is due');
    await pause(waitMs, 'until the post is due');
  }
  while (settled === null) {
    const step = plan[position];
    if (step === undefined) throw ApplicationFailure.nonRetryable('the plan ended without a verdict');
    if (cancelling && position <= noReturn) {
      const end = await settlePost({ postId, state: 'cancelled' });
      if (end.sent === true) {
        state = end.state;
        position = noReturn + 1;
        continue;
      }
      if (end.unclear !== true) {
        settled = end.state;
        break;
      }
      // What may be live is looked for, and not cancelled.
      state = end.state;
      cancelling = false;
    }
    if (step.kind === 'await' && state.startsWith('waiting_')) state = 'processing';
    say(state, describe(step));
    // Before the step reads its rows: what changes while it does is one more reason to look again.
    woken = false;
    const outcome = await perform(step);
    if (settled !== null) break;
    await follow(step, outcome);
  }
  say(settled, 'Finished.');
  await condition(allHandlersFinished);
  return settled;

  async function perform(step: Step): Promise<StepOutcome> {
    writing = step.kind === 'write';
    try {
      return await stoppable(() => run(step));
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return { kind: 'given_up', why: error.cause?.message ?? error.message };
    } finally {
      writing = false;
    }
  }

  /** Work that ends when the post is settled or cancelled. */
  async function stoppable<T>(work: () => Promise<T>): Promise<T | { kind: 'stopped' }> {
    const mine = new CancellationScope();
    scope = mine;
    try {
      return await mine.run(work);
    } catch (error) {
      // The loop knows why. (Stopped in the middle of a request, an activity may end with that request's failure.)
      if (mine.consideredCancelled && (isCancellation(error) || error instanceof ActivityFailure))
        return { kind: 'stopped' };
      throw error;
    } finally {
      scope = null;
    }
  }

  function run(step: Step): Promise<StepOutcome> {
    switch (step.kind) {
      case 'write':
        return performWrite.executeWithOptions({ summary: `${step.name} at the provider` }, [
          { postId, step: step.name },
        ]);
      case 'transfer':
        return transferMedia.executeWithOptions({ summary: 'send the file' }, [{ postId, step: step.name }]);
      case 'await':
        return awaitVerdict.executeWithOptions({ summary: 'ask for the verdict' }, [
          { postId, step: step.name },
        ]);
    }
  }

  async function follow(step: Step, outcome: StepOutcome): Promise<void> {
    refusals = outcome.kind === 'token_refused' ? refusals + 1 : 0;
    switch (outcome.kind) {
      case 'done':
        position += 1;
        state = outcome.state;
        publishId = outcome.publishId ?? publishId;
        return;
      case 'wait':
        state = outcome.state;
        say(state, `${outcome.why}, asks again in ${Math.ceil(outcome.ms / 1000)} s`);
        await pause(outcome.ms, outcome.why);
        return;
      case 'token_refused':
        if (refusals > 1) {
          // Another one so soon will hardly do better.
          say(state, `${refusals} tokens were refused, waits before the next one`);
          await pause(Math.min(2 ** (refusals - 2), 60) * MINUTE_MS, 'until another token is asked for');
        }
        if (settled !== null || (cancelling && position <= noReturn)) return;
        say(state, 'Waits for a fresh token');
        await stoppable(() => renewToken({ accountId, tokenVersion: outcome.tokenVersion }));
        return;
      case 'repeat':
        position = positionOf(plan, outcome.step);
        say(state, `${outcome.why}, performs ${outcome.step} again`);
        if (outcome.ms > 0) await pause(outcome.ms, outcome.why);
        return;
      case 'unknown':
        // It may be live. Never sent again on a guess: only an event, or a look-up, can end this.
        state = 'processing';
        position = noReturn + 1;
        say(state, `The answer of ${step.name} was lost; looks whether the post is live`);
        if (outcome.again === undefined) await condition(() => settled !== null, RECONCILE_FOR);
        else {
          const found = await lookAgainFor(step, outcome.again);
          if (found !== null) {
            position = plan.indexOf(step);
            return follow(step, found);
          }
        }
        settled ??= (await settlePost({ postId, state: 'unknown' })).state;
        return;
      case 'given_up':
        settled = (await settlePost({ postId, state: 'unknown', why: outcome.why })).state;
        return;
      case 'settled':
        settled = outcome.state;
        return;
      case 'stopped':
        return;
    }
  }

  /** Looks for a lost write for a day, each time after three times as long. @returns null: nobody has seen it */
  async function lookAgainFor(step: Step, first: number): Promise<StepOutcome | null> {
    for (let left = DAY_MS, ms = first; left > 0; left -= ms, ms = Math.min(3 * ms, left)) {
      if (await condition(() => settled !== null, ms)) return null;
      const found = await perform(step);
      if (found.kind !== 'unknown') return found;
    }
    return null;
  }

  async function recall(): Promise<void> {
    try {
      if (!(await recallPost({ postId }))) return;
    } catch (error) {
      if (error instanceof ActivityFailure) return;
      throw error;
    }
    settled = (await settlePost({ postId, state: 'cancelled' })).state;
    scope?.cancel();
  }

  async function pause(ms: number, summary: string): Promise<void> {
    await condition(() => woken || cancelling || settled !== null, ms, { summary });
  }

  function say(now: string, doing: string): void {
    setCurrentDetails(
      `**${now}** (step ${Math.min(position + 1, plan.length)} of ${plan.length})\n\n${doing}`,
    );
    if (now === shown) return;
    shown = now;
    upsertSearchAttributes([
      { key: EverpostState, value: now },
      ...(publishId === null ? [] : [{ key: EverpostProviderId, value: publishId }]),
    ]);
  }
}

function describe(step: Step): string {
  switch (step.kind) {
    case 'write':
      return `Performs ${step.name} at the provider`;
    case 'transfer':
      return 'Sends the file to the provider';
    case 'await':
      return 'Asks the provider until it has decided, or its webhook arrives';
  }
}

function tooLate(state: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'TooLate',
    nonRetryable: true,
    message: `the post is ${state}`,
    details: [state],
  });
}
