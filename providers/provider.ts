import type { Plan } from '../plan.ts';
import type { ProviderError } from './errors.ts';
import type { Needs, Permissions } from './permissions.ts';

/*
 * What Everpost asks of a platform. A provider speaks HTTP and knows neither database nor workflow; whatever it
 * needs is in the arguments, whatever it learns is in the result, and what goes wrong is a ProviderError.
 */

/** All that stand in the registry (index.ts). */
export const PROVIDER_NAMES = ['tiktok', 'instagram', 'threads'] as const;
export type ProviderName = (typeof PROVIDER_NAMES)[number];

export interface TokenSet {
  accessToken: string;
  /** Null: the answer had none, the old one stays (RFC 6749 section 6). */
  refreshToken: string | null;
  /** Seconds from now, as the provider says; null where it does not. */
  expiresIn: number | null;
  refreshExpiresIn: number | null;
  scopes: readonly string[];
}

/** Whether the provider has agreed to send an account's webhooks; if not, in its own words why. */
export type Subscription = { subscribed: true } | ({ subscribed: false } & Record<string, unknown>);

/** An account that a creator has just granted. */
export interface Grant {
  openId: string;
  username: string | null;
  displayName: string | null;
  tokens: TokenSet;
  /** `webhooks`: where they have to be asked for, for each account. */
  metadata: Record<string, unknown> & { webhooks?: Subscription };
  /** Quotas of the account that the calls of connecting have used. */
  used?: readonly Quota[];
  /** Where the provider knows whoever logged in by another id than the account: several accounts may come with one login. */
  login?: {
    /** The provider's id of whoever logged in; callbacks name it. */
    id: string;
    /** The Page through which the account is reached; absent: it is reached by itself. */
    page?: { id: string; accessToken: string };
  };
}

export interface OAuth {
  /** There is no refresh token: an access token is renewed with itself, and ends with itself. */
  readonly renewsItself?: true;
  /**
   * Where a browser may come by on the way through the consent page, as sources of a Content-Security-Policy: browsers
   * check every redirect that follows a form.
   */
  readonly consentSources: readonly string[];
  /** Where to send the creator's browser. `codeVerifier` is the PKCE secret of this attempt. */
  authorizeUrl(attempt: { state: string; codeVerifier: string }): string;
  /**
   * @returns every account that was granted, and the scopes that were
   * @throws ProviderError `grant` when the code is refused
   */
  exchangeCode(
    code: string,
    codeVerifier: string,
    signal: AbortSignal,
  ): Promise<{ scopes: readonly string[]; grants: Grant[] }>;
  /**
   * @returns null when the provider renews nothing now, and says that the tokens live
   * @throws ProviderError `grant` when the refresh token is refused, `unavailable` when it should be tried again
   */
  refresh(refreshToken: string, signal: AbortSignal): Promise<TokenSet | null>;
  /** Ends our access at the provider; a token that is dead already is no error. */
  revoke(accessToken: string, signal: AbortSignal): Promise<void>;
}

/** The file that a post publishes. */
export interface MediaFacts {
  size: number;
  contentType: string;
  durationMs: number | null;
}

/** All that a provider may know when it works on a post. */
export interface PostContext {
  /** As accepted, in the provider's own shape. */
  request: unknown;
  openId: string;
  username: string | null;
  scopes: readonly string[];
  accessToken: string;
  media: MediaFacts | null;
  /** Where the provider can fetch one of our media, for some hours. */
  mediaUrl: (mediaId: string) => string;
  /** The id of the act of publishing, once a write has told it. */
  publishId: string | null;
  /** What the accepted writes of the post have made, by step. */
  made: Readonly<Record<string, string>>;
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

export interface Quota {
  bucket: string;
  /** Null: the provider tells it, beforehand (`preflight`) or by a refusal. */
  limit: number | null;
  windowMs: number;
  /**
   * What counts: each call of the write (a rate limit), each call of its preflight, only what the provider accepted, or of
   * that only what a later write of the plan shows: it may be made several times before.
   */
  counts: 'calls' | 'preflights' | 'accepted' | 'shown';
  /** For a person whose post waits for it, where they can do something about it, or should know more than that. */
  userMessage?: string;
}

/** How a quota stands, in the provider's own words. */
export interface ToldQuota {
  bucket: string;
  limit: number;
  used: number;
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
  /**
   * Sends one chunk. `expired`: the place to send to is gone. `out_of_step`: the provider stands at another byte; where it
   * says at which, the answer is that number, as from `receivedBytes`.
   */
  sendChunk(
    context: PostContext,
    chunk: Chunk & { total: number; secret: string; body: AsyncIterable<Uint8Array> },
  ): Promise<'stored' | 'complete' | 'out_of_step' | 'expired' | number>;
  /** How many bytes have arrived at the provider, or the last one of them; null where it does not say. */
  receivedBytes(context: PostContext): Promise<number | null>;
}

/** One thing that is wrong with a request, and what to do about it. */
export interface RequestProblem {
  field: string;
  message: string;
  /** Names the rule for good, where clients may want to know it. */
  rule?: string;
  /** For the person who wrote the text or chose the file; absent: only a program can have sent this. */
  userMessage?: string;
}

/**
 * A problem with what a person has written or chosen.
 * @param subject what it is for them, as in "The caption"
 * @param message goes on from there, as in "is longer than 2200 characters; shorten it"
 */
export function contentProblem(
  subject: string,
  field: string,
  message: string,
  rule?: string,
): RequestProblem {
  return { field, message, userMessage: `${subject} ${message}.`, ...(rule === undefined ? {} : { rule }) };
}

export interface Publishing {
  /** What a request publishes, in words for operators, as in "a carousel of 3": nothing that a person wrote. Pure. */
  kindOf(request: unknown): string;
  /**
   * The steps that publish a request; pure.
   * @param request as the API accepted it
   */
  plan(request: unknown): Plan;
  /** What an account must have granted for a request; pure. */
  needs(request: unknown): Needs;
  /** All the quotas that an account has. */
  readonly quotas: readonly Quota[];
  /** Those that a step's calls take one from. */
  quotasOf(step: string, request: unknown): readonly Quota[];
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
  /** Absent: no files are sent to this provider, it fetches them. */
  readonly transfer?: Transfer;
  /** Where a post, or the part of it that the step awaits, stands. */
  verdict(step: string, context: PostContext): Promise<Verdict>;
  /**
   * Asks the provider to drop a post that it has not finished; absent: it never does.
   * @returns whether it did; false: too late
   */
  recall?(context: PostContext): Promise<boolean>;
  /** The public address of what is live; null where only the provider can tell it. Pure. */
  permalink(request: unknown, username: string | null, providerPostId: string): string | null;
}

/** One change of a webhook request. */
export interface IncomingEvent {
  externalId: string;
  eventType: string;
  providerAccountId: string | null;
  /**
   * The JSON text of the change, with every digit: untouched where the provider sends one a request, else without the other
   * changes.
   */
  payload: string;
}

/** What an event means to us. */
export type EventEffect =
  | { kind: 'verdict'; publishId: string; verdict: FinalVerdict }
  | {
      kind: 'account';
      openId: string;
      status: 'reauth_required' | 'disconnected';
      reason: string;
      /** When it happened; an event from before the creator's last consent is not about it. Null: not said. */
      at: Date | null;
    }
  /** Somebody has commented on what belongs to an account. */
  | {
      kind: 'comment';
      openId: string;
      mediaId: string;
      commentId: string;
      fromUser: string | null;
      text: string | null;
    }
  | { kind: 'none' };

export interface Webhooks {
  /** The longest body that can be meant, in bytes. */
  readonly largestBody: number;
  /** Whether a signature of the right shape and age is there: without it the body is not read. */
  mayBeSigned(headers: Readonly<Record<string, string | string[] | undefined>>, now: Date): boolean;
  /** Whether one of our secrets signed these bytes, recently enough. */
  verify(
    body: Uint8Array,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    now: Date,
  ): boolean;
  /** The changes in a signed body. @throws SyntaxError when it is not a JSON object */
  split(body: Uint8Array): IncomingEvent[];
  /** Reads a stored event. */
  effect(eventType: string, payload: string): EventEffect;
  /** What to answer when the provider asks whether the URL is ours; null: it is not to be told. Absent: it never asks. */
  handshake?(query: Readonly<Record<string, unknown>>): string | null;
  /**
   * Whom a callback about the end of a permission is about, and when the provider made it; null: the provider did not sign
   * it, or not lately. Absent: there are no such callbacks.
   */
  signedUser?(signedRequest: string, now: Date): { user: string; at: Date } | null;
}

/** Deleting what is live. */
export interface Deletion {
  /** The scope that an account needs for it; not needed for anything else. */
  readonly scope: string;
  /** Each post that is deleted takes one. */
  readonly quota: Quota;
  /** Deletes one post; one that is gone already counts as deleted. Asking twice is harmless. @throws ProviderError */
  remove(
    providerPostId: string,
    call: { openId: string; accessToken: string; signal: AbortSignal },
  ): Promise<void>;
}

/** A platform; once for each way to connect an account, where it has several and accounts differ by it. */
export interface Provider {
  readonly name: ProviderName;
  /** The name as people write it. */
  readonly title: string;
  /** Names the way to connect; absent: there is only one. */
  readonly method?: string;
  readonly permissions: Permissions;
  readonly oauth: OAuth;
  readonly publishing: Publishing;
  readonly webhooks: Webhooks;
  /** Absent: no app may delete posts there. */
  readonly deletion?: Deletion;
  /** How the account's quotas stand, in the provider's own words; absent: it tells none. @throws ProviderError */
  readonly limits?: (
    account: { openId: string; scopes: readonly string[] },
    accessToken: string,
    signal: AbortSignal,
  ) => Promise<ToldQuota[]>;
}
