import type { FinalVerdict } from './publishing.ts';

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
