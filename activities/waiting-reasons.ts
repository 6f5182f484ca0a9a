import type { PostWaiting } from '../db/schema.ts';
import type { ProviderError } from '../providers/errors.ts';
import { HOUR } from '../durations.ts';
import type { Quota } from '../providers/quotas.ts';
import type { LoadedPost } from './loaded-post.ts';

/*
 * Why a post waits, for its author: what happened, what to do, and what Everpost does by itself. Kept with the post and
 * in no history, because it may hold a provider's own message.
 */

const LATER = 'The post will be published automatically later.';

/** Reasons why an account went out of service that are more precise than "the connection has ended". */
const ENDED_BY: ReadonlyMap<string, string> = new Map(
  Object.entries({
    removed_by_creator: 'The creator has removed this app on the platform.',
    disconnected_by_creator: 'The creator has removed this app on the platform.',
    revoked_by_developer: 'The permission of this app was withdrawn on the platform.',
  }),
);

/** The account is out of service until its creator reconnects it. */
export function connectionEnded(statusReason: string | null): PostWaiting {
  const why = ENDED_BY.get(statusReason ?? '') ?? 'The connection to this account has ended.';
  return account(`${why} Connect the account again and the post will be published.`);
}

/**
 * The provider refuses the account's scopes or its token.
 * @param error its refusal
 */
export function accountRefused(loaded: LoadedPost, error: ProviderError): PostWaiting {
  // A refused token has nothing to do with scopes.
  if (error.kind !== 'account') return account(error.userMessage);
  const needed = loaded.publishing.needs.scopes;
  const missing = needed.filter((name) => !loaded.account.scope.includes(name));
  const names = missing.length > 0 ? missing : needed;
  return account(`${error.userMessage} Required permissions: ${names.join(', ')}.`);
}

const account = (userMessage: string): PostWaiting => ({
  reason: 'account',
  quota: null,
  // The wait ends when the creator acts.
  until: null,
  userMessage,
});

/**
 * A quota is used up.
 * @param refusal the provider's refusal, if there was one
 */
export function quotaUsedUp(
  { provider }: Pick<LoadedPost, 'provider'>,
  quota: string,
  until: Date,
  refusal?: ProviderError,
): PostWaiting {
  const rule = provider.publishing.quotas.find(({ bucket }) => bucket === quota);
  const userMessage =
    refusal?.userMessage ?? rule?.userMessage ?? (rule === undefined ? USED_UP : usedUp(rule));
  return { reason: 'quota', quota, until: until.toISOString(), userMessage };
}

const USED_UP = `The account has reached the platform’s limit. ${LATER}`;

function usedUp({ windowMs, scope }: Quota): string {
  if (scope === 'app')
    return `This app has reached the platform’s limit for all its accounts together. ${LATER}`;
  return windowMs < HOUR
    ? `The platform accepts only a few calls a minute for each account. ${LATER}`
    : USED_UP;
}

/**
 * The provider cannot be reached, or cannot do it now; Everpost will try again.
 * @param ms when to try again, if that is known more exactly than from the error
 */
export function providerAway(error: ProviderError, ms = error.retryAfterMs): PostWaiting {
  const until = ms === undefined ? null : new Date(Date.now() + ms).toISOString();
  // The lost answer of a write that shows nothing is no reason to check the account.
  const userMessage = error.kind === 'unknown' ? NO_ANSWER : error.userMessage;
  return { reason: 'provider', quota: null, until, userMessage };
}

const NO_ANSWER =
  'The platform does not respond properly at the moment. Everpost will try again; nothing is posted twice.';
