import { ApplicationFailure, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { pointOfNoReturn, type Plan, type Step } from '../plan.ts';
import { EverpostProviderId, EverpostState } from '../temporal/names.ts';

/** The progress of one post, shared by the loop of publishPost and its message handlers. */
export interface PostProgress {
  readonly postId: string;
  readonly plan: Plan;
  /** The next step, as an index into the plan. */
  position: number;
  /** The state of a running post. */
  state: string;
  /** The final state; null while the post is running. A message may set it at any time. */
  settled: string | null;
  publishId: string | null;
  /** @throws ApplicationFailure after the last step: a plan ends with a verdict, or a write that shows the post */
  nextStep: () => Step;
  /** Whether part of the post may be visible, or the provider has the whole post. */
  pastNoReturn: () => boolean;
  /** Skips past the last step that could be prevented. */
  passNoReturn: () => void;
  /** Shows operators the state and the current activity. */
  show: (state: string, doing: string) => void;
}

export function startProgress({
  postId,
  plan,
  state,
}: Pick<PostProgress, 'postId' | 'plan' | 'state'>): PostProgress {
  const noReturn = pointOfNoReturn(plan);
  /** The start already set the search attribute to this state. */
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
      // Each upsert adds an event to the history.
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

/** Refuses a message that came too late. The API answers with the state in the details. */
export function tooLate({ settled, state }: PostProgress): ApplicationFailure {
  const now = settled ?? state;
  return ApplicationFailure.create({
    type: 'TooLate',
    nonRetryable: true,
    message: `the post is ${now}`,
    details: [now],
  });
}
