import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Db } from '../../db/client.ts';
import { findPost, type Post } from '../../db/posts.ts';
import { isFinal } from '../../db/schema.ts';
import { isLiveApiKey } from '../../db/users.ts';
import { SECOND } from '../../durations.ts';
import { type Caller, tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { takeOver } from '../hijack.ts';
import { postView } from '../post-view.ts';
import { Id, refusals } from '../schemas.ts';

const LOOK_EVERY_MS = 1_000;
const HEARTBEAT_EVERY = 15;
/** The most concurrent streams of one key on one server: each queries the database every second. */
const MOST_STREAMS = 100;
/** The header of a reconnecting browser: the id of the last event that it received. */
const ResumeHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ maxLength: 10, pattern: '^\\d{1,10}$' })),
});

/** The changes of one post, as server-sent events. */
export const postEventRoutes =
  ({ database: { db } }: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const closing = new AbortController();
    app.addHook('preClose', async () => closing.abort());
    const enter = countStreams();

    app.get(
      '/api/posts/:id/events',
      {
        config: { access: 'posts:read' },
        // A HEAD request would hold open a stream without data.
        exposeHeadRoute: false,
        schema: {
          operationId: 'watchPost',
          summary: 'Follow a post with server-sent events',
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
        const last = Number(request.headers['last-event-id'] ?? 0);
        // An id that this post has not reached is of another stream.
        let seen = last > post.version ? 0 : last;
        const leave = enter(request.caller);

        void reply
          .header('content-type', 'text/event-stream; charset=utf-8')
          .header('cache-control', 'no-store')
          .header('x-accel-buffering', 'no');
        const response = takeOver(reply);
        response.flushHeaders();
        try {
          for (let looks = 1; post !== null && !response.destroyed && !closing.signal.aborted; looks += 1) {
            const isNews = post.version > seen;
            // The key may have been revoked or have expired meanwhile.
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
          leave();
          // A client that wants more reconnects with Last-Event-ID.
          response.end();
        }
      },
    );
  };

/** Counts the open streams of each key. @returns what opens one, and then what closes it again */
function countStreams(): (caller: Caller) => () => void {
  const open = new Map<string, number>();
  return (caller) => {
    if (caller.kind !== 'key') return () => {};
    const { id } = caller;
    const others = open.get(id) ?? 0;
    if (others >= MOST_STREAMS)
      throw apiError('rate_limited', {
        message: `the key follows ${MOST_STREAMS} posts already: close some of these streams`,
        retryAfterMs: 10 * SECOND,
        details: { limit: MOST_STREAMS },
      });
    open.set(id, others + 1);
    return () => {
      const left = (open.get(id) ?? 1) - 1;
      if (left === 0) open.delete(id);
      else open.set(id, left);
    };
  };
}

async function isStillLive(db: Db, caller: Caller): Promise<boolean> {
  return caller.kind === 'key' && (await isLiveApiKey(db, caller.id));
}
