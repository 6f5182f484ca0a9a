import type { FastifyReply, FastifyRequest } from 'fastify';
import { equalHex, randomToken, sha256Hex } from '../crypto/signatures.ts';

/*
 * An attempt to connect belongs to the browser that has begun it: the browser keeps half of the state in a cookie, the
 * provider's redirect brings the other half. Without it, a stranger's code could be brought by a link to the callback.
 * The page gives the cookie already, and its form sends a proof of it along: another site can make a browser send a form,
 * but cannot know the proof. It counts where a browser does not say which site a form comes from (api/forms.ts).
 */

/** As long as a link lives: the page may stay open meanwhile, and an attempt ends sooner. */
const COOKIE_S = 3600;

const TOKEN = /^[\w-]{43}$/;

/** A cookie that no other host can set, where the public URL is https; `__Host-` needs that. */
const nameOf = (publicUrl: string): string =>
  publicUrl.startsWith('https:') ? '__Host-everpost-connect' : 'everpost-connect';

/** The browser's half; null: this is not a browser that has begun anything. */
export function browserHalf(request: FastifyRequest, publicUrl: string): string | null {
  const value = request.cookies[nameOf(publicUrl)];
  return value !== undefined && TOKEN.test(value) ? value : null;
}

/** What a form of ours brings along, which only a page of ours in the same browser can hold. */
export const proofOf = (half: string): string => sha256Hex(`form:${half}`);

/** Whether a form comes from the page that this browser was shown. */
export function isProven(half: string | null, proof: string | undefined): boolean {
  return half !== null && proof !== undefined && equalHex(proofOf(half), proof);
}

/** Gives the browser its half. One that has it keeps it, so that two attempts beside each other can both end. */
export function giveBrowserHalf(request: FastifyRequest, reply: FastifyReply, publicUrl: string): string {
  const half = browserHalf(request, publicUrl) ?? randomToken();
  void reply.setCookie(nameOf(publicUrl), half, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: publicUrl.startsWith('https:'),
    maxAge: COOKIE_S,
  });
  return half;
}
