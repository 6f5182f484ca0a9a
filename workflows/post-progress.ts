import { ApplicationFailure, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { pointOfNoReturn, type Plan, type Step } from '../plan.ts';
import { EverpostProviderId, EverpostState } from '../temporal/names.ts';

/** How far one post has come. The loop of publishPost and the handlers of its messages share it. */
export interface PostProgress {
  readonly postId: string;
  readonly plan: Plan;
  /** The next step, as its index in the plan. */
  position: number;
  /** The state of a post that is under way. */
  state: string;
  /** The final state; null: the post is under way. A message may set it at any time. */
  settled: string | null;
  publishId: string | null;
  /** @throws ApplicationFailure after the last step: a plan ends with a verdict */
  nextStep: () => Step;
  /** Whether something of the post may be visible, or the provider has all of it. */
  pastNoReturn: () => boolean;
  /** Goes on after the last step that could be prevented. */
  passNoReturn: () => void;
  /** Shows operators the state, and what the workflow does now. */
  show: (state: string, doing: string) => void;
}

export function startProgress({
  postId,
  plan,
  state,
}: Pick<PostProgress, 'postId' | 'plan' | 'state'>): PostProgress {
  const noReturn = pointOfNoReturn(plan);
  /** The start set the search attribute to this state. */
  let shown = state;
  const progress: PostProgress = {
    postId,
    plan,
    position: 0,
    state,
    settled: null,
    publishId: null,
    nextStep: () => {
      const step = plan[progress.position];
      if (step === undefined) throw ApplicationFailure.nonRetryable('the plan ended without a verdict');
      return step;
    },
    pastNoReturn: () => progress.position > noReturn,
    passNoReturn: () => {
      progress.position = noReturn + 1;
    },
    show: (now, doing) => {
      const number = Math.min(progress.position + 1, plan.length);
      setCurrentDetails(`**${now}** (step ${number} of ${plan.length})\n\n${doing}`);
      // Each upsert is an event of the history.
      if (now === shown) return;
      shown = now;
      const { publishId } = progress;
      upsertSearchAttributes([
        { key: EverpostState, value: now },
        ...(publishId === null ? [] : [{ key: EverpostProviderId, value: publishId }]),
      ]);
    },
  };
  return progress;
}

/** Refuses a message that came too late. The details hold the state, which the API answers. */
export function tooLate({ settled, state }: PostProgress): ApplicationFailure {
  const now = settled ?? state;
  return ApplicationFailure.create({
    type: 'TooLate',
    nonRetryable: true,
    message: `the post is ${now}`,
    details: [now],
  });
}
