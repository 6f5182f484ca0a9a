import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Db } from '../../db/client.ts';
import { findPost, type Post } from '../../db/posts.ts';
import { isFinal } from '../../db/schema.ts';
import { isLiveApiKey } from '../../db/users.ts';
import { type Caller, tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { takeOver } from '../hijack.ts';
import { postView } from '../post-view.ts';
import { Id, refusals } from '../schemas.ts';

const LOOK_EVERY_MS = 1_000;
const HEARTBEAT_EVERY = 15;
/** Header of a browser that has lost its connection: the id of the last event that it saw. */
const ResumeHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ maxLength: 10, pattern: '^\\d{1,10}$' })),
});

/** The changes of one post, as server-sent events. */
export const postEventRoutes =
  ({ database: { db } }: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const closing = new AbortController();
    app.addHook('preClose', async () => closing.abort());

    app.get(
      '/api/posts/:id/events',
      {
        config: { access: 'posts:read' },
        // A HEAD would hold a stream open that says nothing.
        exposeHeadRoute: false,
        schema: {
          operationId: 'watchPost',
          summary: 'Follow a post by server-sent events',
          description:
            '`event: post`, `id` increasing, `data` the post. Resumes after `Last-Event-ID`; ends after a final state.',
          tags: ['posts'],
          params: Id,
          headers: ResumeHeaders,
          response: {
            200: { description: 'The changes.', content: { 'text/event-stream': { schema: Type.String() } } },
            ...refusals(404),
          },
        },
      },
      async (request, reply) => {
        const userId = tenant(request);
        const { id } = request.params;
        let post: Post | null = await findPost(db, userId, id);
        if (post === null) throw apiError('not_found');
        let seen = Number(request.headers['last-event-id'] ?? 0);

        void reply
          .header('content-type', 'text/event-stream; charset=utf-8')
          .header('cache-control', 'no-store')
          .header('x-accel-buffering', 'no');
        const response = takeOver(reply);
        response.flushHeaders();
        try {
          for (let looks = 1; post !== null && !response.destroyed && !closing.signal.aborted; looks += 1) {
            const isNews = post.version > seen;
            // A key may have been revoked, or have ended, since.
            if ((isNews || looks % HEARTBEAT_EVERY === 0) && !(await isStillLive(db, request.caller))) break;
            if (isNews) {
              seen = post.version;
              response.write(`id: ${seen}\nevent: post\ndata: ${JSON.stringify(postView(post))}\n\n`);
            } else if (looks % HEARTBEAT_EVERY === 0) response.write(': still here\n\n');
            if (isFinal(post.state)) break;
            await sleep(LOOK_EVERY_MS, undefined, { signal: closing.signal }).catch(() => {});
            post = await findPost(db, userId, id);
          }
        } catch (error) {
          request.log.warn({ err: error }, 'an event stream ended early');
        } finally {
          // A client that is not done reconnects with Last-Event-ID.
          response.end();
        }
      },
    );
  };

async function isStillLive(db: Db, caller: Caller): Promise<boolean> {
  return caller.kind === 'key' && (await isLiveApiKey(db, caller.id));
}
