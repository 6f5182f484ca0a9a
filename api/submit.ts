import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import { findPostByKey, type Post } from '../db/posts.ts';
import { acceptPost } from '../db/new-posts.ts';
import { markPostStarted } from '../db/post-workflows.ts';
import { startPost } from '../temporal/posts.ts';
import { actorOf, noted, tenant } from './access.ts';
import { hashOf } from './canonical.ts';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import type { DraftPost } from './new-post.ts';
import { postView } from './post-view.ts';
import { freshenQuotas } from './provider-call.ts';
import { quotaExceeded } from './quotas.ts';
import { tell } from './temporal.ts';

interface Submission {
  userId: string;
  /** Passed on to the workflow and its log lines. */
  requestId: string;
  idempotencyKey: string | null;
  /** The original body: a repeated key must bring the same one. */
  body: unknown;
  /** Validates the body and drafts the post; not called if the key was used before. */
  read: (userId: string) => Promise<DraftPost>;
}

/**
 * Accepts a post, for any provider: it is stored when this returns, and its workflow is started or left to the sweep.
 * @throws ApiError `idempotency_key_reused`, `duplicate_post`, `quota_exceeded`, and errors of `read`
 */
async function submit(
  deps: Deps,
  log: FastifyBaseLogger,
  { userId, idempotencyKey, requestId, body, read }: Submission,
): Promise<{ outcome: 'created' | 'replayed'; post: Post }> {
  const { db } = deps.database;
  const requestHash = hashOf(body);
  // A replay gets its answer, whatever has happened to the account and the media since.
  const earlier = idempotencyKey === null ? null : await findPostByKey(db, userId, idempotencyKey);
  if (earlier !== null && earlier.requestHash === requestHash) return { outcome: 'replayed', post: earlier };
  if (earlier !== null) throw apiError('idempotency_key_reused', { details: { postId: earlier.id } });

  const draft = await read(userId);
  if (draft.hold.length > 0) await freshenQuotas(deps, userId, draft.oauthAccountId);
  const accepted = await acceptPost(db, {
    ...draft,
    userId,
    requestId,
    idempotencyKey,
    requestHash,
  });
  if (accepted.outcome === 'quota') throw quotaExceeded(accepted.full);
  if (accepted.outcome === 'media_gone') throw apiError('media_not_found');
  const { outcome, post } = accepted;
  switch (outcome) {
    case 'key_reused':
      throw apiError('idempotency_key_reused', { details: { postId: post.id } });
    case 'duplicate':
      throw apiError('duplicate_post', { details: { postId: post.id, state: post.state } });
    case 'replayed':
      return { outcome, post };
    case 'created':
      await startAccepted(deps, log, post);
      return { outcome, post };
  }
}

/** Starts the workflow of a post that is stored, or leaves it to the sweep. */
export async function startAccepted(
  { database: { db }, temporal }: Deps,
  log: FastifyBaseLogger,
  post: Post,
): Promise<void> {
  if (await tell(temporal, log, `publishPost of ${post.id}`, () => startPost(temporal, post)))
    await markPostStarted(db, post.id);
}

/**
 * Shared by all routes that publish: accepts the request's post, and answers 202 with it.
 * @param read validates the body and drafts the post
 */
export async function submitRequest(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  read: (userId: string) => Promise<DraftPost>,
): Promise<ReturnType<typeof postView>> {
  const key = request.headers['idempotency-key'];
  const { outcome, post } = await submit(deps, request.log, {
    userId: tenant(request),
    requestId: request.id,
    idempotencyKey: typeof key === 'string' ? key : null,
    body: request.body,
    read,
  });
  if (outcome === 'replayed') void reply.header('idempotency-replayed', 'true');
  else
    await noted(request, deps.database.db, {
      ...actorOf(request),
      action: 'post.accepted',
      subject: post.id,
    });
  void reply.code(202).header('location', `${deps.config.publicUrl}/api/posts/${post.id}`);
  return postView(post);
}
