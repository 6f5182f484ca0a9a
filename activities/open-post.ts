import { openAccessToken } from '../crypto/tokens.ts';
import type { Account } from '../db/accounts.ts';
import { isFinal, type PostWaiting } from '../db/schema.ts';
import { isRenewable } from '../db/token-times.ts';
import { HOUR } from '../durations.ts';
import { sendsFile } from '../plan.ts';
import type { PostContext } from '../providers/publishing.ts';
import type { StepOutcome } from '../temporal/contract.ts';
import type { Deps } from './deps.ts';
import { keyOf, type LoadedPost } from './loaded-post.ts';
import { connectionEnded, quotaUsedUp } from './waiting-reasons.ts';

/** Until when the provider refuses every call for the post's account; null: it accepts calls. */
export function refusedUntil({ account: { callsRefusedUntil: until } }: LoadedPost): Date | null {
  return until !== null && until.getTime() > Date.now() ? until : null;
}

/** A token that ends within seconds is renewed first, because a call takes that long. */
const ALMOST_EXPIRED_MS = 30_000;
/** A token that cannot be renewed is used to its end. */
const marginOf = (account: Account): number => (isRenewable(account) ? ALMOST_EXPIRED_MS : 0);
/** A creator's return wakes the posts of the account; this is the fallback. */
const ASK_AGAIN_MS = HOUR;

/**
 * What a provider call for the post needs, or why it must not be made now.
 * @param waiting the state in which the post waits for its account
 */
export async function openPost(
  deps: Pick<Deps, 'envelope' | 'mediaUrl'>,
  loaded: LoadedPost,
  signal: AbortSignal,
  waiting: 'waiting_account' | 'processing' | 'transferring' = 'waiting_account',
): Promise<{ context: PostContext } | { blocked: StepOutcome; why: PostWaiting | null }> {
  const { envelope } = deps;
  const { post, account } = loaded;
  if (isFinal(post.state)) return { blocked: { kind: 'settled', state: post.state }, why: null };
  if (account.status !== 'active' || account.accessTokenEncrypted === null)
    return {
      blocked: {
        kind: 'wait',
        state: waiting,
        ms: ASK_AGAIN_MS,
        why: `Waits until the account is connected again (${account.statusReason ?? account.status})`,
      },
      why: connectionEnded(account.statusReason),
    };
  const until = refusedUntil(loaded);
  if (until !== null)
    return {
      blocked: {
        kind: 'wait',
        state: waiting === 'waiting_account' ? 'waiting_quota' : waiting,
        ms: until.getTime() - Date.now(),
        why: `The provider takes no calls for the account until ${until.toISOString()}`,
      },
      why: quotaUsedUp(loaded, 'rate_limited', until),
    };
  if (account.expiresAt !== null && account.expiresAt.getTime() < Date.now() + marginOf(account))
    return { blocked: { kind: 'token_refused', tokenVersion: account.tokenVersion }, why: null };
  const accessToken = await openAccessToken(envelope, keyOf(loaded), account, account.accessTokenEncrypted);
  return { context: { ...contextOf(deps, loaded, signal), accessToken } };
}

/** Everything that a provider may know about a post, except the token. */
export function contextOf(
  { mediaUrl }: Pick<Deps, 'mediaUrl'>,
  { post, account, media, files, made, parts }: LoadedPost,
  signal: AbortSignal,
): Omit<PostContext, 'accessToken'> {
  return {
    openId: account.openId,
    username: account.username,
    scopes: account.scope,
    media,
    files,
    mediaUrl,
    publishId: post.publishId,
    made,
    parts,
    sendsFile: sendsFile(post.plan),
    signal,
  };
}
