import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Delivery } from '../core/delivery.ts';
import { signedRequest } from './signing.ts';

export type Callback = 'deauthorize' | 'data_deletion';

export const CallbackForgery = Type.Object({
  secret: Type.Optional(Type.String()),
  /** Another id than this user's. */
  userId: Type.Optional(Type.String()),
  algorithm: Type.Optional(Type.String()),
  /** Seconds since 1970, on the real clock. */
  issuedAt: Type.Optional(Type.Integer()),
});
export type CallbackForgery = Type.Static<typeof CallbackForgery>;

export function isCallback({ event }: Delivery): boolean {
  return event === 'deauthorize' || event === 'data_deletion';
}

/** The form body of both callbacks (instagram-facts 2.6, threads-facts 2.8). */
export function callbackForm(secret: string, userId: string, forgery: CallbackForgery): string {
  const issued_at = forgery.issuedAt ?? Math.floor(Date.now() / 1_000);
  const payload = {
    algorithm: forgery.algorithm ?? 'HMAC-SHA256',
    expires: issued_at + 4_800,
    issued_at,
    user_id: forgery.userId ?? userId,
  };
  return new URLSearchParams({ signed_request: signedRequest(forgery.secret ?? secret, payload) }).toString();
}

const DeletionAnswer = Type.Object({
  url: Type.String({ pattern: '^https?://' }),
  confirmation_code: Type.String({ pattern: '^[A-Za-z0-9]+$' }),
});

/** The receiver's answer: for a data deletion it must have a status URL and a code (instagram-facts 2.6). */
export function callbackView(delivery: Delivery) {
  const { id, event, state, attempts } = delivery;
  const last = attempts.at(-1);
  const view = { id, event, state, status: last?.status ?? null, error: last?.error ?? null };
  if (event !== 'data_deletion' || state !== 'delivered') return view;
  const answer = parsed(last?.answer ?? '');
  if (!Value.Check(DeletionAnswer, answer)) {
    return { ...view, problem: 'the answer needs url and an alphanumeric confirmation_code' };
  }
  return { ...view, url: answer.url, confirmationCode: answer.confirmation_code };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
