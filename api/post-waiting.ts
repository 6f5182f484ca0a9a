import { Type } from 'typebox';
import type { Post } from '../db/posts.ts';
import { isFinal, type PostWaiting } from '../db/schema.ts';
import { nullable, textOrNull } from './schemas.ts';

export const WaitingView = Type.Union(
  [
    Type.Object({
      reason: Type.Enum(['schedule', 'quota', 'account', 'provider', 'review']),
      quota: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'The quota of the account that is used up, or the code of the refusal.',
      }),
      until: nullable.time,
      userMessage: Type.String({ description: 'What happened and what to do, for the user.' }),
    }),
    Type.Null(),
  ],
  {
    description:
      'Why an open post waits and until when; null if it does not wait. `until` is null if no time ends the wait, for example until the creator reconnects the account. `error` stays null meanwhile: it is only set when a post ends.',
  },
);

/** Why a post waits: the reason that its activities recorded, or else the one that its state implies. */
export function waitingView(post: Post): PostWaiting | null {
  if (isFinal(post.state)) return null;
  if (post.waiting !== null) {
    // The database returns the fields in its own order.
    const { reason, quota, until: ends, userMessage: said } = post.waiting;
    return { reason, quota, until: ends, userMessage: said };
  }
  const known = BY_STATE[post.state];
  if (known === undefined) return null;
  const until = textOrNull(post.state === 'scheduled' ? post.scheduledAt : post.nextAt);
  const userMessage = post.phase === 'reconciling' ? RECONCILING : known.userMessage;
  return { reason: known.reason, quota: null, until: known.reason === 'account' ? null : until, userMessage };
}

const RECONCILING =
  'The platform’s answer was lost. Everpost is checking whether the post is live and will not send it again before that is known.';

const BY_STATE: Partial<Record<Post['state'], Pick<PostWaiting, 'reason' | 'userMessage'>>> = {
  scheduled: {
    reason: 'schedule',
    userMessage: 'The post is scheduled and will be published automatically.',
  },
  processing: { reason: 'provider', userMessage: 'The platform has the post and is working on it.' },
  // Versions before `waiting` recorded no reason.
  waiting_quota: {
    reason: 'quota',
    userMessage:
      'The account has reached the platform’s limit. The post will be published automatically later.',
  },
  waiting_account: {
    reason: 'account',
    userMessage: 'Reconnect the account and the post will be published.',
  },
};
