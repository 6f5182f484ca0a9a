import type { PostState } from '../db/schema.ts';

type WaitingState = Extract<
  PostState,
  'accepted' | 'scheduled' | 'waiting_quota' | 'waiting_account' | 'transferring' | 'processing'
>;

/** What a step of a plan came to, and so what the workflow does next. */
export type StepOutcome =
  /** On to the next step; the post is now in `state`. */
  | { kind: 'done'; state: WaitingState; publishId: string | null }
  /** Its time has not come; ask again after `ms` or when something changes. */
  | { kind: 'wait'; state: WaitingState; ms: number; why: string }
  /** The access token of this version is dead or refused: have it renewed, then ask again. */
  | { kind: 'token_refused'; tokenVersion: number }
  /** Back to `step`, after `ms`: what it made is lost and can never become visible. */
  | { kind: 'repeat'; step: string; ms: number; why: string }
  /** A write was sent, its outcome is not known, and it may be live. */
  | {
      kind: 'unknown';
      /** The provider may show it later: it is worth another look after so many milliseconds, and ever fewer. */
      again?: number;
    }
  /** The post has ended. */
  | { kind: 'settled'; state: string }
  /** Made by the workflow: the step was ended from outside. */
  | { kind: 'stopped' }
  /** It will not be decided any more, or the step's retries are used up. */
  | { kind: 'given_up'; why: string };
