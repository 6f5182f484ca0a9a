import { Type } from 'typebox';
import type { Post } from '../db/posts.ts';
import { POST_STATES } from '../db/schema.ts';
import { platformOf } from '../providers/index.ts';
import { postWorkflowId } from '../temporal/names.ts';
import { WaitingView, waitingView } from './post-waiting.ts';
import { Anything, nullable, text, textOrNull, Time } from './schemas.ts';

/** Why something ended without success. */
export const Failure = Type.Object({
  code: Type.String(),
  message: Type.String(),
  userMessage: Type.String(),
  retryable: Type.Boolean(),
  details: Anything,
});

export const PostView = Type.Object(
  {
    id: Type.String(),
    provider: Type.String(),
    accountId: Type.String(),
    mediaId: nullable.string,
    state: Type.Enum([...POST_STATES]),
    phase: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The current activity: a step of the plan, or `reconciling`.',
    }),
    publishId: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The provider’s id of the publish operation.',
    }),
    providerPostId: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The provider’s id of the live post; may come later than `published`.',
    }),
    permalink: nullable.string,
    scheduledAt: nullable.time,
    progress: Type.Union([
      Type.Object({ sentBytes: Type.Integer(), totalBytes: Type.Integer() }),
      Type.Null(),
    ]),
    next: Type.Union([Type.Object({ step: Type.String(), at: Time }), Type.Null()], {
      description: 'The next step and its time.',
    }),
    waiting: WaitingView,
    error: Type.Union([Failure, Type.Null()]),
    request: Type.Object(
      {},
      {
        additionalProperties: true,
        description:
          'The body of the provider’s own route for this post: the chosen values, and the defaults of the others.',
      },
    ),
    deletedAt: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'date-time',
      description: 'When the last live part was deleted through Everpost.',
    }),
    deletion: Type.Union(
      [Type.Object({ requestedAt: Time, error: Type.Union([Failure, Type.Null()]) }), Type.Null()],
      { description: 'The requested deletion, and the error if it failed.' },
    ),
    workflowId: Type.String({ description: 'The workflow’s id in the Temporal UI.' }),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: 'Post' },
);

/** The body with which the provider's route would accept this post. */
export function requestView(
  post: Pick<Post, 'provider' | 'request' | 'mediaId' | 'oauthAccountId'>,
): Record<string, unknown> {
  return { accountId: post.oauthAccountId, ...platformOf(post.provider)?.requests.bodyOf(post) };
}

/** A post as clients see it. */
export function postView(post: Post) {
  return {
    id: post.id,
    provider: post.provider,
    accountId: post.oauthAccountId,
    mediaId: post.mediaId,
    state: post.state,
    phase: post.phase,
    publishId: post.publishId,
    providerPostId: post.providerPostId,
    permalink: post.permalink,
    scheduledAt: textOrNull(post.scheduledAt),
    progress:
      post.totalBytes === null ? null : { sentBytes: post.sentBytes ?? 0, totalBytes: post.totalBytes },
    next:
      post.nextStep === null || post.nextAt === null ? null : { step: post.nextStep, at: text(post.nextAt) },
    waiting: waitingView(post),
    error: post.error,
    request: requestView(post),
    deletedAt: textOrNull(post.deletedAt),
    deletion:
      post.deletionRequestedAt === null
        ? null
        : { requestedAt: text(post.deletionRequestedAt), error: post.deletionError },
    workflowId: postWorkflowId(post.id),
    createdAt: text(post.createdAt),
    updatedAt: text(post.updatedAt),
  };
}
