import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { failedAttempt, failurePage } from './connect-pages.ts';
import type { ConnectFailure } from './connect.ts';
import type { Deps } from './deps.ts';
import { bodyOf } from './failures.ts';
import { showPage, wantsJson } from './pages.ts';
import type { ProviderPath } from './schemas.ts';

/* The answers of the connect routes. */

/** These routes call the provider, which may take longer than other routes. */
export const CONSENT_MS = 40_000;

export const redirect = (description: string) => Type.Null({ description });

/** Answers a failed attempt: JSON for programs, a page for creators. */
export function answerFailedAttempt(
  deps: Deps,
  request: FastifyRequest<{ Params: Static<typeof ProviderPath> }>,
  reply: FastifyReply,
  failure: ConnectFailure,
  again: string | null = null,
): FastifyReply {
  const name = request.params.provider;
  const told = failedAttempt(failure, name, deps.providers.find(name)?.permissions ?? null);
  const { error } = told;
  if (wantsJson(request)) return keepPrivate(reply).code(error.statusCode).send(bodyOf(error, request));
  return showPage(reply, error.statusCode, failurePage(told, error.retryable ? again : null));
}

/** Keeps the answer out of caches, and its address out of the Referer header. */
export function keepPrivate(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
}
