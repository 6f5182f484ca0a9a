import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { findAccount } from '../../db/accounts.ts';
import { liveIds, markDeletionStarted, requestDeletion } from '../../db/deletions.ts';
import { findPost, type Post } from '../../db/posts.ts';
import { startDeletion } from '../../temporal/deletions.ts';
import { actorOf, noted, tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { postView, PostView } from '../post-view.ts';
import { refusedAccount } from '../provider-call.ts';
import { Id, ref, refusals } from '../schemas.ts';
import { tell } from '../temporal.ts';

/** Deletes live posts. */
export const deletionRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const {
      database: { db },
      providers,
      temporal,
    } = deps;

    app.delete(
      '/api/posts/:id',
      {
        config: { access: 'posts:write' },
        schema: {
          operationId: 'deletePost',
          summary: 'Delete the live parts of a post',
          description:
            'Accepted means durable: 202 with the post. `deletedAt` is set once every part is deleted, `deletion.error` if the provider refused. The post keeps its state and its record. A repeated request changes nothing, or retries a refused deletion.',
          tags: ['posts'],
          params: Id,
          response: { 202: ref(PostView), ...refusals(404, 409, 422) },
        },
      },
      async (request, reply) => {
        const post = await findPost(db, tenant(request), request.params.id);
        if (post === null) throw apiError('not_found');
        if (post.deletedAt === null) {
          const underWay = post.deletionRequestedAt !== null && post.deletionError === null;
          if (!underWay) await check(post);
          if ((await requestDeletion(db, post)) !== null)
            await noted(request, db, {
              ...actorOf(request),
              action: 'post.deletion_requested',
              subject: post.id,
            });
          const start = () => startDeletion(temporal, post);
          if (await tell(temporal, request.log, `deletePost of ${post.id}`, start))
            await markDeletionStarted(db, post.id);
        }
        void reply.code(202);
        return postView((await findPost(db, post.userId, post.id)) ?? post);
      },
    );

    /** @throws ApiError if the deletion cannot succeed */
    async function check(post: Post): Promise<void> {
      const { state, permalink, provider } = post;
      const deletion = providers.find(provider)?.deletion;
      if (deletion === undefined)
        throw apiError('deletion_not_supported', { details: { provider, permalink } });
      const ids = await liveIds(db, post);
      if (ids === null)
        throw apiError('nothing_live', {
          message: 'the provider has not given the id of the post',
          userMessage: 'The platform has not given the id of this post. Delete it in the platform’s own app.',
          details: { state },
        });
      if (ids.length === 0) throw apiError('nothing_live', { details: { state } });
      const account = await findAccount(db, post.userId, post.oauthAccountId);
      if (account === null) throw apiError('account_not_found');
      if (account.status !== 'active') throw refusedAccount(account);
      if (!account.scope.includes(deletion.scope))
        throw apiError('permission_missing', {
          message: `the account has not granted ${deletion.scope}`,
          details: { scopes: [deletion.scope] },
        });
    }
  };
