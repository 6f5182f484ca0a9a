import type { Plan } from '../plan.ts';
import type { ProviderError } from './errors.ts';
import type { Needs } from './permissions.ts';
import type { Quota, ToldQuota } from './quotas.ts';

/** The file that a post publishes. */
export interface MediaFacts {
  size: number;
  contentType: string;
  durationMs: number | null;
}

/** All that a provider may know when it works on a post, besides the request. */
export interface PostContext {
  openId: string;
  username: string | null;
  scopes: readonly string[];
  accessToken: string;
  /** The post's only file; null: it has none, or several. */
  media: MediaFacts | null;
  /** The files that the transfers of the plan name, by their ids. */
  files: Readonly<Record<string, MediaFacts>>;
  /** Where the provider can fetch one of our media, for some hours. */
  mediaUrl: (mediaId: string) => string;
  /** The id of the act of publishing, once a write has told it. */
  publishId: string | null;
  /** What the accepted writes of the post have made, by step. */
  made: Readonly<Record<string, string>>;
  /** How the provider refers to the parts of the files that were sent, in order, by the write that said where to. */
  parts: Readonly<Record<string, readonly string[]>>;
  /** Whether its plan sends the file; else the provider fetches it. */
  sendsFile: boolean;
  signal: AbortSignal;
}

/** What an accepted write made. */
export interface Written {
  /** Of the whole, not published yet (TikTok publish id, Meta container). */
  publishId?: string;
  /** Of a part of it. */
  partId?: string;
  /** Of what is live from now on. */
  providerPostId?: string;
  /** Needed by a later step and secret, such as an upload URL: stored encrypted. */
  secret?: string;
  logId: string | null;
}

/** Ids of what was made. */
export type Made = Pick<Written, 'publishId' | 'partId' | 'providerPostId'>;

/** A file on its way to a provider. */
export interface Delivery extends MediaFacts {
  /** The place to send it to, as a write has told it. */
  secret: string;
}

/** What became of one part of a file. */
export type Sent =
  /** On to the next part. */
  | { kind: 'stored'; reference?: string }
  /** The provider has the whole file. `made`: what it made of it. */
  | { kind: 'complete'; reference?: string; made?: Made }
  /** The provider stands at another byte: after so many, or after the last one of this number, where it says at which. */
  | { kind: 'out_of_step'; bytes?: number }
  /** The place to send to is gone. */
  | { kind: 'expired' };

/** How far a file is. */
export interface Received {
  /** How many bytes have arrived, or the position of the last one. */
  bytes: number;
  /** What the provider made of the whole file. */
  made?: Made;
}

/** Inclusive byte positions of one request of a transfer. */
export interface Chunk {
  first: number;
  last: number;
}

/** What the provider has decided about a post, or about a part of it. */
export type Verdict =
  | { kind: 'pending'; status: string }
  /** On to the next step. */
  | { kind: 'ready'; status: string }
  /** What these writes made is of no use any more, and can never become visible: it has to be made again. */
  | { kind: 'gone'; status: string; steps: readonly string[]; error: ProviderError }
  | { kind: 'published'; status: string; providerPostId: string | null; permalink?: string | null }
  | { kind: 'delivered'; status: string }
  /** `dropped`: because it was asked to take it back. */
  | { kind: 'failed'; status: string; error: ProviderError; dropped?: boolean };

/** A verdict after which there is nothing to ask. */
export type FinalVerdict = Extract<Verdict, { kind: 'published' | 'delivered' | 'failed' }>;

/** A write whose answer was lost. */
export interface Lost {
  /** The provider's, where the answer was one that says nothing for certain. */
  code: string | null;
  /** When it was sent for the first time. */
  at: Date;
  /** Ids of what the other posts of the account have made since about then. */
  others: readonly string[];
  /** Requests of the account's other posts of which it is not known either whether they are live. */
  rivals: readonly unknown[];
}

/** What became of it. */
export type LookUp =
  | { kind: 'happened'; written: Written }
  /** It may be sent again; with an `error`, only as often as that says, then what is in its `steps` is made anew. */
  | { kind: 'nothing'; error?: ProviderError }
  /** Nothing happened, and the answer was a refusal after all. */
  | { kind: 'refused'; error: ProviderError }
  /** It cannot be told yet. */
  | { kind: 'open' }
  /** It is not seen yet, and that it did not happen can never be told. */
  | { kind: 'unseen' }
  /** The provider cannot be asked about this post: only an event can tell. */
  | { kind: 'nobody' };

/** How files go to a provider. */
export interface Transfer {
  /** Whether the bytes are sent with the account's token; else the place to send to is the permission. */
  readonly needsToken: boolean;
  /** How the file is cut; in order, without gaps. */
  chunks(size: number): readonly Chunk[];
  /** Sends one part. A `reference` is kept, and given to later steps. */
  sendChunk(
    context: PostContext,
    file: Delivery,
    part: Chunk & { body: AsyncIterable<Uint8Array> },
  ): Promise<Sent>;
  /** How far a file is; null where the provider does not say. */
  received(context: PostContext, file: Delivery): Promise<Received | null>;
}

/** Asks the platform, before a request is accepted, whether its account may publish it right now. */
export interface AccountCheck {
  /** A call of `ask` takes one from it. */
  readonly quota: Quota;
  /**
   * Whether a request needs the check; pure.
   * @throws ProviderError `rejected` if no account may publish it
   */
  concerns(request: unknown): boolean;
  /**
   * Asks what the account may do.
   * @returns a check of a request: it throws ProviderError `rejected`, which names the fix
   * @throws ProviderError
   */
  readonly ask: (
    accessToken: string,
    signal: AbortSignal,
  ) => Promise<(request: unknown, media: MediaFacts | null) => void>;
}

/** How a provider publishes. */
export interface Publishing {
  /** All the quotas that an account has. */
  readonly quotas: readonly Quota[];
  /** Absent: no files are sent to this provider, it fetches them. */
  readonly transfer?: Transfer;
  /** Absent: requests are accepted without asking the platform. */
  readonly accountCheck?: AccountCheck;
  /**
   * Reads a request, once for all that is asked about it and done for it; pure.
   * @param request as the API accepted it
   * @throws Error where it has another shape
   */
  of(request: unknown): PostPublishing;
}

/** How a provider publishes one request. */
export interface PostPublishing {
  /** What it publishes, in words for operators, as in "a carousel of 3": nothing that a person wrote. */
  readonly kind: string;
  /** The steps that publish it. */
  readonly plan: Plan;
  /** What an account must have granted for it. */
  readonly needs: Needs;
  /** The quotas that a step's calls take one from; pure. */
  readonly quotasOf: (step: string) => readonly Quota[];
  /**
   * Reads what only the provider knows and refuses what it would refuse, right before a write.
   * @returns how its quotas stand, where it tells that
   * @throws ProviderError
   */
  preflight(step: string, context: PostContext): Promise<readonly ToldQuota[]>;
  /** Performs a write. @throws ProviderError; `unknown` when it may have been carried out */
  write(step: string, context: PostContext): Promise<Written>;
  /** Finds out what became of a write under `reconcile` whose answer was lost; absent: nobody can be asked. */
  readonly lookUp?: (step: string, context: PostContext, lost: Lost) => Promise<LookUp>;
  /** Where a post, or the part of it that the step awaits, stands. */
  verdict(step: string, context: PostContext): Promise<Verdict>;
  /**
   * Asks the provider to drop a post that it has not finished; absent: it never does.
   * @returns whether it did; false: too late
   */
  recall?(context: PostContext): Promise<boolean>;
  /** The public address of what is live; null where only the provider can tell it. Pure. */
  permalink(username: string | null, providerPostId: string): string | null;
}
