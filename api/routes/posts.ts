import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { WorkflowExecutionAlreadyStartedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Type } from 'typebox';
import type { Db } from '../../db/client.ts';
import { findPost, listPosts, type Post } from '../../db/posts.ts';
import { markPostStarted } from '../../db/post-workflows.ts';
import { isFinal } from '../../db/schema.ts';
import { askToCancel, askToReschedule } from '../../temporal/posts.ts';
import { tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { List, pageOf, PageQuery, pieceOf } from '../paging.ts';
import { postView, PostView } from '../post-view.ts';
import { dueAt, requireBeforeDeadline } from '../schedule.ts';
import { Id, ref, refusals, Time } from '../schemas.ts';
import { ask } from '../temporal.ts';

const RescheduleBody = Type.Object({ scheduledAt: Time }, { additionalProperties: false });
/** A worker may have to stop an upload first. */
const ANSWER_MS = 15_000;
const tags = ['posts'];

/** Posts of all providers. */
export const postRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;

    app.get(
      '/api/posts',
      {
        config: { access: 'posts:read' },
        schema: {
          operationId: 'listPosts',
          summary: 'Posts, newest first',
          tags,
          querystring: PageQuery,
          response: { 200: List(ref(PostView)), ...refusals() },
        },
      },
      async (request) => {
        const page = pageOf(request.query);
        const posts = await listPosts(db, tenant(request), page);
        return pieceOf(posts, page, ({ createdAt }) => createdAt, postView);
      },
    );

    app.get(
      '/api/posts/:id',
      {
        config: { access: 'posts:read' },
        schema: {
          operationId: 'getPost',
          summary: 'One post',
          tags,
          params: Id,
          response: { 200: ref(PostView), ...refusals(404) },
        },
      },
      async (request) => postView(await find(db, tenant(request), request.params.id)),
    );

    app.post(
      '/api/posts/:id/cancel',
      {
        config: { access: 'posts:write' },
        handlerTimeout: ANSWER_MS + 5_000,
        schema: {
          operationId: 'cancelPost',
          summary: 'Cancel a post',
          description:
            'Possible until the last byte or the publish call is sent; after that 409 `too_late` with the state.',
          tags,
          params: Id,
          response: { 200: ref(PostView), ...refusals(404, 409) },
        },
      },
      async (request) => {
        const post = await find(db, tenant(request), request.params.id);
        if (post.state === 'cancelled') return postView(post);
        return askWorkflow(deps, post, () => askToCancel(deps.temporal, post));
      },
    );

    app.patch(
      '/api/posts/:id',
      {
        config: { access: 'posts:write' },
        handlerTimeout: ANSWER_MS + 5_000,
        schema: {
          operationId: 'reschedulePost',
          summary: 'Move a post to another time',
          description:
            'Possible until its first call to the provider; after that 409 `too_late` with the state. A post keeps the `deadline` that it was sent with, and cannot be moved behind it; without one it waits until 72 hours after the new time.',
          tags,
          params: Id,
          body: RescheduleBody,
          response: { 200: ref(PostView), ...refusals(404, 409, 415, 422) },
        },
      },
      async (request) => {
        const post = await find(db, tenant(request), request.params.id);
        const at = dueAt(request.body.scheduledAt);
        requireBeforeDeadline(post, at);
        return askWorkflow(deps, post, () => askToReschedule(deps.temporal, post, at));
      },
    );
  };

/** Lets the post's workflow decide. If it refuses or has ended, it is too late. */
async function askWorkflow({ database: { db }, temporal }: Deps, post: Post, call: () => Promise<unknown>) {
  if (isFinal(post.state)) throw tooLate(post.state);
  try {
    await ask(temporal, call, ANSWER_MS);
    await markPostStarted(db, post.id);
  } catch (error) {
    const refused =
      error instanceof WorkflowUpdateFailedError || error instanceof WorkflowExecutionAlreadyStartedError;
    const now = refused ? await find(db, post.userId, post.id) : post;
    if (!refused) throw error;
    if (now.state !== 'cancelled') throw tooLate(now.state);
  }
  return postView(await find(db, post.userId, post.id));
}

function tooLate(state: string) {
  return apiError('too_late', { message: `the post is ${state}`, details: { state } });
}

/** @throws ApiError `not_found` */
async function find(db: Db, userId: string, id: string): Promise<Post> {
  const post = await findPost(db, userId, id);
  if (post === null) throw apiError('not_found');
  return post;
}
