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
        description: 'Which of the account’s quotas is used up, or the refusal that said so.',
      }),
      until: nullable.time,
      userMessage: Type.String({ description: 'What happened, and what to do: for the person.' }),
    }),
    Type.Null(),
  ],
  {
    description:
      'Why an open post waits, and what ends that; null: it does not. `until` is null where no time ends it, such as for a creator who has to connect the account again. `error` stays null meanwhile: it is about the end of a post.',
  },
);

/** Why a post waits, as its activities have noted it; else as its state says. */
export function waitingView(post: Post): PostWaiting | null {
  if (isFinal(post.state)) return null;
  if (post.waiting !== null) {
    // The database keeps the fields in an order of its own.
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
  'The platform’s answer was lost. Everpost looks whether the post is live; it is not sent again before that is known.';

const BY_STATE: Partial<Record<Post['state'], Pick<PostWaiting, 'reason' | 'userMessage'>>> = {
  scheduled: {
    reason: 'schedule',
    userMessage: 'The post is scheduled and goes out by itself when it is due.',
  },
  processing: { reason: 'provider', userMessage: 'The platform has the post and is working on it.' },
  // Noted by a version that did not note why.
  waiting_quota: {
    reason: 'quota',
    userMessage:
      'The account has used up what the platform allows at the moment. The post goes out by itself then.',
  },
  waiting_account: {
    reason: 'account',
    userMessage: 'The account has to be connected again. The post goes out by itself then.',
  },
};
