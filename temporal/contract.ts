import type { PostError, PostState } from '../db/schema.ts';
import type { Plan } from '../plan.ts';

/*
 * Inputs and results of workflows and of their activities. The histories of running workflows hold them, so a new
 * version must still read what an older one wrote.
 */

/** Every workflow by its name; test/bundle.quick.test.ts checks workflows/index.ts against it. */
export interface Workflows {
  deletePost: DeletePost;
  handleEvent: HandleEvent;
  keepTokenFresh: KeepTokenFresh;
  mediaUpload: MediaUpload;
  moderateComment: ModerateComment;
  publishPost: PublishPost;
  sweep: Sweep;
  syncAccount: SyncAccount;
  syncDue: SyncDue;
}

/** Publishes one post. @returns its final state */
export type PublishPost = (input: PublishPostInput) => Promise<string>;

export interface PublishPostInput {
  postId: string;
  accountId: string;
  userId: string;
  provider: string;
  plan: Plan;
  /** Milliseconds from the start until the post is due, calculated by the starter; 0: at once. */
  waitMs: number;
}

/** Deletes the live parts of one post. */
export type DeletePost = (input: DeletePostInput) => Promise<void>;

export interface DeletePostInput {
  postId: string;
  accountId: string;
}

/** Keeps the tokens of one account fresh. */
export type KeepTokenFresh = (input: KeepTokenFreshInput) => Promise<void>;

export interface KeepTokenFreshInput {
  accountId: string;
}

/** Watches over one upload. @returns the media's final state */
export type MediaUpload = (input: MediaUploadInput) => Promise<string>;

export interface MediaUploadInput {
  mediaId: string;
}

/** Performs one action on a comment. @returns its final state */
export type ModerateComment = (input: ModerateCommentInput) => Promise<string>;

export interface ModerateCommentInput {
  actionId: string;
  accountId: string;
}

/** Applies one event. */
export type HandleEvent = (input: HandleEventInput) => Promise<void>;

export type HandleEventInput =
  | { eventId: string }
  /** The event itself, if the database could not store it when it arrived. */
  | { event: UnstoredEvent };

export interface UnstoredEvent {
  provider: string;
  externalId: string;
  eventType: string;
  providerAccountId: string | null;
  payload: string;
}

type WaitingState = Extract<
  PostState,
  'accepted' | 'scheduled' | 'waiting_quota' | 'waiting_account' | 'transferring' | 'processing'
>;

/** The outcome of a plan's step; it decides what the workflow does next. */
export type StepOutcome =
  /** Continue with the next step; the post is now in `state`. */
  | { kind: 'done'; state: WaitingState; publishId: string | null }
  /** Too early; try again after `ms` or when something changes. */
  | { kind: 'wait'; state: WaitingState; ms: number; why: string }
  /** The access token of this version is expired or refused: renew it, then try again. */
  | { kind: 'token_refused'; tokenVersion: number }
  /** Go back to `step`, after `ms`: its result is lost and can never become visible. */
  | { kind: 'repeat'; step: string; ms: number; why: string }
  /** A write was sent, its outcome is not known, and it may be live. */
  | {
      kind: 'unknown';
      /** The provider may show it later: look again after this many milliseconds, then at growing intervals. */
      again?: number;
    }
  /** The post has ended. */
  | { kind: 'settled'; state: string }
  /** Set by the workflow: a message stopped the step. */
  | { kind: 'stopped' }
  /** There will be no decision, or the step's retries are used up. */
  | { kind: 'given_up'; why: string };

/** The state of a post after the workflow asked to end it. */
export interface Ending {
  state: string;
  /** It is too late to cancel: the provider has the whole post. */
  sent?: true;
  /** The post may be live. */
  unclear?: true;
}

/** The outcome of one part of a deletion. */
export type DeletionOutcome =
  /** The provider's ids, in the order in which to delete them. */
  | { kind: 'ready'; ids: string[] }
  | { kind: 'done' }
  /** Try again after `ms`. */
  | { kind: 'wait'; ms: number; why: string }
  /** The access token of this version is expired or refused: renew it, then try again. */
  | { kind: 'token_refused'; tokenVersion: number }
  | { kind: 'refused'; error: PostError };

/** What became of an action on a comment, so far. */
export type ActionOutcome =
  | { kind: 'ended'; state: string }
  /** Try again after `ms`. */
  | { kind: 'wait'; ms: number; why: string }
  /** The access token of this version is expired or refused: renew it, then try again. */
  | { kind: 'token_refused'; tokenVersion: number };

/** The state of an account's tokens. */
export interface TokenStanding {
  status: string;
  tokenVersion: number;
}

/** What is due next for an account's tokens. */
export interface TokenNext {
  /** Null: nothing, ever. Absent: an older version has not said. */
  due?: 'refresh' | 'warning' | 'end' | null;
  /** From now; null: never. */
  dueInMs: number | null;
}

/** The posts and accounts that an event affected. */
export interface AppliedEvent {
  posts: { postId: string; state: string }[];
  accounts: { provider: string; accountId: string }[];
}

/** Reconciles the database and the workflows. */
export type Sweep = () => Promise<Swept>;

/** The number of repairs of each kind. */
export interface Swept {
  /** Rows committed without a workflow and, except for posts, rows whose workflow is gone. */
  posts: number;
  deletions: number;
  /** Actions on comments. */
  actions: number;
  events: number;
  media: number;
  /** Accounts whose keeper missed a change: to wipe, or connected again. */
  accounts: number;
  /** Active accounts whose token keeper was gone: restarted. */
  keepers: number;
  /** Open posts whose workflow was gone: restarted. */
  orphans: number;
  /** Workflows whose post had ended without them: notified. */
  stragglers: number;
  /** Deleted files: of deleted, rejected and abandoned media. */
  files: number;
}

/** Starts rounds of sync for accounts that have something due. @returns the number of accounts */
export type SyncDue = () => Promise<number>;

/** Copies what a provider knows about one account, until nothing is due. */
export type SyncAccount = (input: SyncAccountInput) => Promise<void>;

export interface SyncAccountInput {
  accountId: string;
}

/** The outcome of a slice of sync. */
export type SliceOutcome =
  /** Something else is due; `did` says in words what the slice did. */
  | { kind: 'more'; did: string }
  /** Nothing is due. */
  | { kind: 'done'; did: string }
  /** The access token of this version is expired or refused: renew it, then go on. */
  | { kind: 'token_refused'; did: string; tokenVersion: number };
