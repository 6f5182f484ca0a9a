import type { FastifyReply, FastifyRequest } from 'fastify';
import { equalHex, randomToken, sha256Hex } from '../crypto/signatures.ts';

/*
 * An attempt to connect belongs to the browser that began it: the browser keeps half of the state in a cookie, the
 * provider's redirect brings the other half. Otherwise a link could bring a stranger's code to the callback. The cookie
 * is set by the page, whose form sends a proof of it: another site can make a browser send a form, but cannot know the
 * proof. The proof decides if a browser does not say which site a form comes from (api/forms.ts).
 */

/** As long as a link lives: the page may stay open that long, and an attempt ends sooner. */
const COOKIE_S = 3600;

const TOKEN = /^[\w-]{43}$/;

/** A cookie that no other host can set, if the public URL is https, which `__Host-` requires. */
const nameOf = (publicUrl: string): string =>
  publicUrl.startsWith('https:') ? '__Host-everpost-connect' : 'everpost-connect';

/** The browser's half; null: this browser has begun no attempt. */
export function browserHalf(request: FastifyRequest, publicUrl: string): string | null {
  const value = request.cookies[nameOf(publicUrl)];
  return value !== undefined && TOKEN.test(value) ? value : null;
}

/** The proof in our forms, known only to a page of ours in the same browser. */
export const proofOf = (half: string): string => sha256Hex(`form:${half}`);

/** Whether a form comes from the page that this browser was shown. */
export function isProven(half: string | null, proof: string | undefined): boolean {
  return half !== null && proof !== undefined && equalHex(proofOf(half), proof);
}

/** Gives the browser its half. A browser that has one keeps it, so that two parallel attempts can both finish. */
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
