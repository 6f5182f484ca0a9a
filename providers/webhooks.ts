import type { Hint } from '../reading.ts';
import type { FinalVerdict } from './publishing.ts';

/** One change of a webhook request. */
export interface IncomingEvent {
  externalId: string;
  eventType: string;
  providerAccountId: string | null;
  /**
   * The JSON text of the change, with every digit: untouched if the provider sends one change a request, otherwise
   * without the other changes.
   */
  payload: string;
}

/** The effect of an event. */
export type EventEffect =
  | { kind: 'verdict'; publishId: string; verdict: FinalVerdict }
  | {
      kind: 'account';
      openId: string;
      status: 'reauth_required' | 'disconnected';
      reason: string;
      /** When it happened; an event from before the creator's last consent does not concern it. Null: unknown. */
      at: Date | null;
    }
  | ({
      kind: 'hint';
      /** The provider's id of the account; null: the event names none. */
      openId: string | null;
      /** What tells the account if none has this id: its name, or ids of its media or of comments below them. */
      otherwise?: { username?: string | null; ids?: readonly string[] };
    } & Hint)
  | { kind: 'none' };

export interface Webhooks {
  /** The largest legitimate body, in bytes. */
  readonly largestBody: number;
  /** Whether there is a signature of the right form and age: without it the body is not read. */
  mayBeSigned(headers: Readonly<Record<string, string | string[] | undefined>>, now: Date): boolean;
  /** Whether one of our secrets signed these bytes, recently enough. */
  verify(
    body: Uint8Array,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    now: Date,
  ): boolean;
  /** The changes in a signed body. @throws SyntaxError if it is not a JSON object */
  split(body: Uint8Array): IncomingEvent[];
  /** Reads a stored event. */
  effect(eventType: string, payload: string): EventEffect;
  /** The answer when the provider checks whether the URL is ours; null: refuse. Absent: it never checks. */
  handshake?(query: Readonly<Record<string, unknown>>): string | null;
  /**
   * The person in a callback about the end of a permission, and when the provider made it; null: not signed by the
   * provider, or not recently. Absent: there are no such callbacks.
   */
  signedUser?(signedRequest: string, now: Date): { user: string; at: Date } | null;
}
