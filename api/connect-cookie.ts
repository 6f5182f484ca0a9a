import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomToken } from '../crypto/signatures.ts';

/*
 * An attempt to connect belongs to the browser that has begun it: the browser keeps half of the state in a cookie, the
 * provider's redirect brings the other half. Without it, a stranger's code could be brought by a link to the callback.
 */

const TOKEN = /^[\w-]{43}$/;

/** A cookie that no other host can set, where the public URL is https; `__Host-` needs that. */
const nameOf = (publicUrl: string): string =>
  publicUrl.startsWith('https:') ? '__Host-everpost-connect' : 'everpost-connect';

/** The browser's half; null: this is not a browser that has begun anything. */
export function browserHalf(request: FastifyRequest, publicUrl: string): string | null {
  const value = request.cookies[nameOf(publicUrl)];
  return value !== undefined && TOKEN.test(value) ? value : null;
}

/**
 * Gives the browser its half for as long as an attempt lives. One that has it keeps it, so that two attempts beside each
 * other can both end.
 */
export function giveBrowserHalf(
  request: FastifyRequest,
  reply: FastifyReply,
  publicUrl: string,
  seconds: number,
): string {
  const half = browserHalf(request, publicUrl) ?? randomToken();
  void reply.setCookie(nameOf(publicUrl), half, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: publicUrl.startsWith('https:'),
    maxAge: seconds,
  });
  return half;
}
