import type { PostError, PostState } from '../db/schema.ts';
import type { Plan } from '../plan.ts';

/*
 * What workflows are given and what they come to, and what their activities answer them. All of it stands in the histories of
 * workflows that are under way: a new version still reads what an older one has written.
 */

/** Every workflow by its name; test/bundle.quick.test.ts holds workflows/index.ts to it. */
export interface Workflows {
  deletePost: DeletePost;
  handleEvent: HandleEvent;
  keepTokenFresh: KeepTokenFresh;
  mediaUpload: MediaUpload;
  publishPost: PublishPost;
  sweep: Sweep;
}

/** Publishes one post. @returns its final state */
export type PublishPost = (input: PublishPostInput) => Promise<string>;

export interface PublishPostInput {
  postId: string;
  accountId: string;
  userId: string;
  provider: string;
  plan: Plan;
  /** Milliseconds from the start until the post is due, as the starter saw it; 0: at once. */
  waitMs: number;
}

/** Deletes what is live of one post. */
export type DeletePost = (input: DeletePostInput) => Promise<void>;

export interface DeletePostInput {
  postId: string;
  accountId: string;
}

/** Keeps the tokens of one account. */
export type KeepTokenFresh = (input: KeepTokenFreshInput) => Promise<void>;

export interface KeepTokenFreshInput {
  accountId: string;
}

/** Watches over one upload. @returns the media's final state */
export type MediaUpload = (input: MediaUploadInput) => Promise<string>;

export interface MediaUploadInput {
  mediaId: string;
}

/** Applies one event. */
export type HandleEvent = (input: HandleEventInput) => Promise<void>;

export type HandleEventInput =
  | { eventId: string }
  /** The database could not take the event when it came. */
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

/** How a post stands after the workflow asked to end it. */
export interface Ending {
  state: string;
  /** It is too late to cancel it: the provider has all of it. */
  sent?: true;
  /** It may be live. */
  unclear?: true;
}

/** What a part of a deletion came to. */
export type DeletionOutcome =
  /** By the provider's ids, in the order in which it is to be deleted. */
  | { kind: 'ready'; ids: string[] }
  | { kind: 'done' }
  /** Ask again after `ms`. */
  | { kind: 'wait'; ms: number; why: string }
  /** The access token of this version is dead or refused: have it renewed, then ask again. */
  | { kind: 'token_refused'; tokenVersion: number }
  | { kind: 'refused'; error: PostError };

/** Where an account's tokens stand. */
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

/** Whom an event concerned. */
export interface AppliedEvent {
  posts: { postId: string; state: string }[];
  accounts: { provider: string; accountId: string }[];
}

/** Makes database and workflows agree. */
export type Sweep = () => Promise<Swept>;

/** How many of each kind were repaired. */
export interface Swept {
  /** Rows that were committed without their workflow, and, but for posts, those whose workflow was gone. */
  posts: number;
  deletions: number;
  events: number;
  media: number;
  /** Accounts that somebody had to be told of: to be wiped, or connected again. */
  accounts: number;
  /** Active accounts whose keeper of tokens was gone: started again. */
  keepers: number;
  /** Open posts whose workflow was gone: started again. */
  orphans: number;
  /** Workflows whose post had ended without them: told so. */
  stragglers: number;
  /** Files that were removed: of deleted, refused and given up media. */
  files: number;
}
