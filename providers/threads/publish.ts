import { Value } from 'typebox/value';
import { ProviderError } from '../errors.ts';
import {
  awaitContainers,
  checkContainer,
  type Containers,
  type PostContainers,
  publishContainer,
  readLive,
} from '../meta/containers.ts';
import { PUBLISH_BUCKET } from '../meta/codes.ts';
import { callGraph } from '../meta/graph.ts';
import { toldQuotas, unlessRefused } from '../meta/limits.ts';
import { lookUpPublish } from '../meta/lost-publish.ts';
import { isOurs } from '../meta/media.ts';
import { records } from '../json.ts';
import type { PostContext, PostPublishing, Publishing } from '../publishing.ts';
import type { Quota, ToldQuota } from '../quotas.ts';
import { DAY } from '../../durations.ts';
import {
  answered,
  containersOf,
  isReply,
  items,
  locate,
  type Part,
  planOf,
  PROVED,
  proofsOf,
} from './chain.ts';
import { THREADS, type ThreadsSettings } from './client.ts';
import { makeContainer } from './container.ts';
import { DELETIONS } from './delete.ts';
import { neededScopes, REPLY_SCOPE, requireEligibility } from './eligibility.ts';
import { ThreadsRequest, type ThreadsUnit } from './request.ts';

/** Posts and replies in 24 hours (threads-facts 4.7); Threads reports the real numbers. */
const QUOTAS = {
  posts: { bucket: PUBLISH_BUCKET, limit: 250, windowMs: DAY, counts: 'shown' },
  replies: { bucket: 'reply', limit: 1000, windowMs: DAY, counts: 'shown' },
} as const satisfies Record<string, Quota>;

/** How Threads creates and publishes containers. */
function createContainers({ graphUrl }: ThreadsSettings): Containers {
  return {
    platform: THREADS,
    call: ({ accessToken, signal }) => ({ base: `${graphUrl}/v1.0`, accessToken, signal }),
    // A wrong id in the path looks like a container that is not there yet: `me` is never wrong (threads-facts 11.4).
    account: () => '/me',
    edges: { create: 'threads', publish: 'threads_publish' },
    statusFields: 'id,status,error_message',
    textField: 'text',
  };
}

/** Publishing (threads-facts 4). */
export function createPublishing(settings: ThreadsSettings): Publishing {
  const containers = createContainers(settings);
  return {
    quotas: [...Object.values(QUOTAS), DELETIONS],
    of: (request) => publishingOf(settings, containers, Value.Parse(ThreadsRequest, request)),
  };
}

function publishingOf(
  settings: ThreadsSettings,
  platform: Containers,
  request: ThreadsRequest,
): PostPublishing {
  const { media, replies = [] } = request;
  const files = [media, ...replies.map((reply) => reply.media)].flat();
  const containers: PostContainers = { ...platform, ownFiles: files.some(isOurs) };
  return {
    kind: kindOf(request),
    plan: planOf(request),
    needs: neededScopes(request),
    // The first write of a part takes them: it is better to wait before the container, which lives for a day
    // (threads-facts 4.4).
    quotasOf(step) {
      const { part } = locate(request, step);
      return step === containersOf(part)[0] ? [quotaOf(part)] : [];
    },

    async preflight(step, context) {
      const { part, task } = locate(request, step);
      if (task === 'publish') {
        await checkContainer(containers, context, context.made[part.name('container')], containersOf(part));
        return [];
      }
      if (step !== containersOf(part)[0]) return [];
      if (part.before === null) await requireEligibility(settings, request, context);
      // A missing scope can fail the whole call, so it requests only the necessary fields.
      return unlessRefused(readLimits(settings, context, isReply(part) ? ['reply'] : ['post']));
    },

    async write(step, context) {
      const { part, task } = locate(request, step);
      try {
        return task === 'publish'
          ? await publishContainer(
              containers,
              context,
              context.made[part.name('container')] ?? '',
              containersOf(part),
            )
          : await makeContainer(containers, context, part, step);
      } catch (error) {
        throw isReply(part) && error instanceof ProviderError ? ofReply(error, part, context) : error;
      }
    },

    async lookUp(step, context, lost) {
      const { part } = locate(request, step);
      const replyTo = answered(part, context);
      const amongReplies = replyTo !== undefined && context.scopes.includes('threads_read_replies');
      const found = await lookUpPublish(containers, context, context.made[part.name('container')] ?? '', {
        ...lost,
        again: containersOf(part),
        // Replies have their own list and permission (threads-facts 6.1).
        list: amongReplies ? 'replies' : 'threads',
        caption: part.unit.postInfo.text ?? null,
        kind: { media_type: READ_AS[part.unit.mediaType] },
        replyTo,
      });
      // The list may lag behind (threads-facts 4.5), and the next part needs the id of the post that it replies to.
      const nameless = found.kind === 'happened' && found.written.providerPostId === undefined;
      return nameless && !part.last ? { kind: 'open' } : found;
    },

    async verdict(step, context) {
      const { part, task } = locate(request, step);
      if (task === PROVED) return awaitContainers(containers, context, proofsOf(request));
      if (task === 'items') return awaitContainers(containers, context, items(part));
      if (task === 'ready')
        return awaitContainers(containers, context, [part.name('container')], containersOf(part));
      return readLive(containers, context, context.made['publish'] ?? null);
    },

    permalink: () => null,
  };
}

/** The kind of post, in words. */
function kindOf({ mediaType, media, replies = [] }: ThreadsRequest): string {
  const root = mediaType === 'CAROUSEL' ? `a carousel of ${media.length}` : KINDS[mediaType];
  return replies.length === 0 ? root : `${root} and ${replies.length} more in a chain`;
}

const KINDS = { TEXT: 'a text', IMAGE: 'an image', VIDEO: 'a video' } as const;

/** The media type of a post when it is read back (threads-facts 6.2); reposts are listed too, without text. */
const READ_AS: Readonly<Record<ThreadsUnit['mediaType'], string>> = {
  TEXT: 'TEXT_POST',
  IMAGE: 'IMAGE',
  VIDEO: 'VIDEO',
  CAROUSEL: 'CAROUSEL_ALBUM',
};

const quotaOf = (part: Part): Quota => (isReply(part) ? QUOTAS.replies : QUOTAS.posts);

/** Adapts an error of the catalogue to a reply. */
function ofReply(error: ProviderError, { unit }: Part, { scopes }: PostContext): ProviderError {
  if (error.quota === PUBLISH_BUCKET)
    return new ProviderError({ ...error.init, quota: QUOTAS.replies.bucket });
  // With the permission there, the post itself does not allow this reply (threads-facts 5, row of code 10).
  if (
    error.code === 'permission_missing' &&
    unit.postInfo.reply_to_id !== undefined &&
    scopes.includes(REPLY_SCOPE)
  )
    return new ProviderError({
      ...error.init,
      kind: 'rejected',
      code: 'reply_not_allowed',
      userMessage:
        'Threads does not let the account reply to this post. Nothing was published. Check who can reply to it. If anyone can, reconnect the account and allow every permission.',
    });
  return error;
}

/** The quotas that Threads reports, with the scope and the field prefix of each (threads-facts 4.7). */
const TOLD = {
  post: { bucket: PUBLISH_BUCKET, scope: 'threads_content_publish', prefix: '' },
  reply: { bucket: QUOTAS.replies.bucket, scope: REPLY_SCOPE, prefix: 'reply_' },
  delete: { bucket: DELETIONS.bucket, scope: 'threads_delete', prefix: 'delete_' },
} as const;
type Told = keyof typeof TOLD;

/** The quotas that may be requested: one missing scope can fail the whole call. */
export function kindsFor(scopes: readonly string[]): Told[] {
  return (['post', 'reply', 'delete'] as const).filter((kind) => scopes.includes(TOLD[kind].scope));
}

/** The account's quotas, in Threads' own fields. @throws ProviderError */
export async function readLimits(
  { graphUrl }: ThreadsSettings,
  { accessToken, signal }: Pick<PostContext, 'accessToken' | 'signal'>,
  kinds: readonly Told[],
): Promise<ToldQuota[]> {
  const told = kinds.map((kind) => TOLD[kind]);
  const answer = await callGraph(THREADS, {
    base: `${graphUrl}/v1.0`,
    path: '/me/threads_publishing_limit',
    params: { fields: told.map(({ prefix }) => `${prefix}quota_usage,${prefix}config`).join(',') },
    effect: 'read',
    accessToken,
    signal,
  });
  const row = records(answer['data'])[0] ?? answer;
  return toldQuotas(row, told);
}
