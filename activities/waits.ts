import type { PostWaiting } from '../db/schema.ts';
import type { ProviderError } from '../providers/errors.ts';
import { HOUR } from '../durations.ts';
import type { LoadedPost } from './loaded-post.ts';

/*
 * Why a post waits, for the person whose post it is: what happened, what they can do, and what happens by itself. Kept with
 * the post and in no history, because a provider's own sentence may be part of it.
 */

const GOES_OUT = 'The post goes out by itself then.';

/** Why accounts went out of service, where more is known than that the connection has ended. */
const ENDED_BY: ReadonlyMap<string, string> = new Map(
  Object.entries({
    removed_by_creator: 'The creator has removed this app on the platform.',
    disconnected_by_creator: 'The creator has removed this app on the platform.',
    revoked_by_developer: 'The permission of this app was withdrawn on the platform.',
  }),
);

/** The account is out of service until its creator connects it again. */
export function connectionEnded(statusReason: string | null): PostWaiting {
  const why = ENDED_BY.get(statusReason ?? '') ?? 'The connection to this account has ended.';
  return account(`${why} Connect the account again. ${GOES_OUT}`);
}

/**
 * The provider refuses what the account has granted, or its token.
 * @param error its refusal
 */
export function accountRefused(loaded: LoadedPost, error: ProviderError): PostWaiting {
  // A token that is refused is about none of them.
  if (error.kind !== 'account') return account(error.userMessage);
  const needed = loaded.publishing.needs.scopes;
  const missing = needed.filter((name) => !loaded.account.scope.includes(name));
  const names = missing.length > 0 ? missing : needed;
  return account(`${error.userMessage} Permissions that it needs: ${names.join(', ')}.`);
}

const account = (userMessage: string): PostWaiting => ({
  reason: 'account',
  quota: null,
  // It ends when the creator acts.
  until: null,
  userMessage,
});

/**
 * A quota is used up.
 * @param refusal the provider's, where it was one
 */
export function quotaUsedUp(
  { provider }: Pick<LoadedPost, 'provider'>,
  quota: string,
  until: Date,
  refusal?: ProviderError,
): PostWaiting {
  const rule = provider.publishing.quotas.find(({ bucket }) => bucket === quota);
  const userMessage =
    refusal?.userMessage ??
    rule?.userMessage ??
    (rule !== undefined && rule.windowMs < HOUR
      ? `The platform takes only a few calls a minute for an account. ${GOES_OUT}`
      : `The account has used up what the platform allows at the moment. ${GOES_OUT}`);
  return { reason: 'quota', quota, until: until.toISOString(), userMessage };
}

/**
 * The provider cannot be asked, or cannot do it now; it is tried again.
 * @param ms when, where more is known than the error says
 */
export function providerAway(error: ProviderError, ms = error.retryAfterMs): PostWaiting {
  const until = ms === undefined ? null : new Date(Date.now() + ms).toISOString();
  // A lost answer of what shows nothing is no reason to look at the account.
  const userMessage = error.kind === 'unknown' ? NO_ANSWER : error.userMessage;
  return { reason: 'provider', quota: null, until, userMessage };
}

const NO_ANSWER =
  'The platform does not answer properly at the moment. It is tried again; nothing is posted twice.';
