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

/** Everything that a provider may know about a post, besides the request. */
export interface PostContext {
  openId: string;
  username: string | null;
  scopes: readonly string[];
  accessToken: string;
  /** The post's only file; null: it has none, or several. */
  media: MediaFacts | null;
  /** The files of the plan's transfers, by id. */
  files: Readonly<Record<string, MediaFacts>>;
  /** Where the provider can fetch one of our media, for some hours. */
  mediaUrl: (mediaId: string) => string;
  /** The provider's id of the publish, once a write has returned it. */
  publishId: string | null;
  /** The results of the post's accepted writes, by step. */
  made: Readonly<Record<string, string>>;
  /** The provider's references of the sent parts, in order, by the write that opened the upload. */
  parts: Readonly<Record<string, readonly string[]>>;
  /** Whether its plan sends the file; otherwise the provider fetches it. */
  sendsFile: boolean;
  signal: AbortSignal;
}

/** The result of an accepted write. */
export interface Written {
  /** The id of the whole, not published yet (TikTok publish id, Meta container). */
  publishId?: string;
  /** The id of a part. */
  partId?: string;
  /** The id of the live post. */
  providerPostId?: string;
  /** A secret for a later step, such as an upload URL: stored encrypted. */
  secret?: string;
  logId: string | null;
}

/** The ids of a result. */
export type Made = Pick<Written, 'publishId' | 'partId' | 'providerPostId'>;

/** A file on its way to a provider. */
export interface Delivery extends MediaFacts {
  /** The write's secret: where to send the file. */
  secret: string;
}

/** The outcome of sending one part of a file. */
export type Sent =
  /** Continue with the next part. */
  | { kind: 'stored'; reference?: string }
  /** The provider has the whole file. `made`: its result. */
  | { kind: 'complete'; reference?: string; made?: Made }
  /** The provider expects another byte: after this many, or after the last one with this number, if it says so. */
  | { kind: 'out_of_step'; bytes?: number }
  /** The upload no longer exists. */
  | { kind: 'expired' };

/** The progress of a file. */
export interface Received {
  /** The number of bytes that have arrived, or the position of the last one. */
  bytes: number;
  /** The provider's result for the whole file. */
  made?: Made;
}

/** Inclusive byte positions of one request of a transfer. */
export interface Chunk {
  first: number;
  last: number;
}

/** The provider's decision about a post, or about a part of it. */
export type Verdict =
  | { kind: 'pending'; status: string }
  /** Continue with the next step. */
  | { kind: 'ready'; status: string }
  /** The results of these writes are useless and can never become visible: the writes must be repeated. */
  | { kind: 'gone'; status: string; steps: readonly string[]; error: ProviderError }
  | { kind: 'published'; status: string; providerPostId: string | null; permalink?: string | null }
  | { kind: 'delivered'; status: string }
  /** `dropped`: because of a recall. */
  | { kind: 'failed'; status: string; error: ProviderError; dropped?: boolean };

/** A final verdict. */
export type FinalVerdict = Extract<Verdict, { kind: 'published' | 'delivered' | 'failed' }>;

/** A write whose answer was lost. */
export interface Lost {
  /** The provider's error code, if its answer was ambiguous. */
  code: string | null;
  /** When it was first sent. */
  at: Date;
  /** Ids of results of the account's other posts since about then. */
  others: readonly string[];
  /** Requests of the account's other posts whose outcome is unknown too. */
  rivals: readonly unknown[];
}

/** The outcome of a lost write. */
export type LookUp =
  | { kind: 'happened'; written: Written }
  /**
   * It may be repeated; with an `error`, only as often as that says, and then the writes in its `steps` are repeated.
   */
  | { kind: 'nothing'; error?: ProviderError }
  /** Nothing happened: the answer was a refusal. */
  | { kind: 'refused'; error: ProviderError }
  /** Not known yet. */
  | { kind: 'open' }
  /** It is not visible yet, and the provider never confirms that nothing happened. */
  | { kind: 'unseen' }
  /** The provider has no way to look it up: only an event can tell. */
  | { kind: 'nobody' };

/** How files are sent to a provider. */
export interface Transfer {
  /** Whether sending needs the account's token; otherwise the upload URL is enough. */
  readonly needsToken: boolean;
  /** The parts of a file; in order, without gaps. */
  chunks(size: number): readonly Chunk[];
  /** Sends one part. A `reference` is stored for later steps. */
  sendChunk(
    context: PostContext,
    file: Delivery,
    part: Chunk & { body: AsyncIterable<Uint8Array> },
  ): Promise<Sent>;
  /** The progress of a file; null if the provider does not report it. */
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
  /** Absent: this provider fetches all files itself. */
  readonly transfer?: Transfer;
  /** Absent: requests are accepted without asking the platform. */
  readonly accountCheck?: AccountCheck;
  /**
   * Parses a request; pure.
   * @param request as the API accepted it
   * @throws Error if it has another shape
   */
  of(request: unknown): PostPublishing;
}

/** How a provider publishes one request. */
export interface PostPublishing {
  /** The kind of post, in words for operators, as in "a carousel of 3": no text of users. */
  readonly kind: string;
  /** The steps that publish it. */
  readonly plan: Plan;
  /** The scopes that an account needs for it. */
  readonly needs: Needs;
  /** The quotas of which a step's calls take one each; pure. */
  readonly quotasOf: (step: string) => readonly Quota[];
  /**
   * Checks right before a write with the provider's live data, and refuses whatever the provider would refuse.
   * @returns the state of its quotas, if the provider reports it
   * @throws ProviderError
   */
  preflight(step: string, context: PostContext): Promise<readonly ToldQuota[]>;
  /** Performs a write. @throws ProviderError; `unknown` if it may have been carried out */
  write(step: string, context: PostContext): Promise<Written>;
  /** Finds the outcome of a `reconcile` write whose answer was lost; absent: the provider has no way. */
  readonly lookUp?: (step: string, context: PostContext, lost: Lost) => Promise<LookUp>;
  /** The verdict on a post, or on the part that the step awaits. */
  verdict(step: string, context: PostContext): Promise<Verdict>;
  /**
   * Asks the provider to drop an unfinished post; absent: it never does.
   * @returns whether it did; false: too late
   */
  recall?(context: PostContext): Promise<boolean>;
  /** The public address of a live post; null if only the provider knows it. Pure. */
  permalink(username: string | null, providerPostId: string): string | null;
}
