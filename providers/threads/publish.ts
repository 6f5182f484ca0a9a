import { Value } from 'typebox/value';
import {
  awaitContainers,
  checkContainer,
  type Containers,
  createContainer,
  publishContainer,
  readPermalink,
} from '../meta/containers.ts';
import { PUBLISH_BUCKET } from '../meta/codes.ts';
import { callGraph } from '../meta/graph.ts';
import { toldQuotas, unlessRefused } from '../meta/limits.ts';
import { lookUpPublish } from '../meta/lost-publish.ts';
import { fields, isOurs, urlParams } from '../meta/media.ts';
import { records } from '../json.ts';
import type { PostContext, Publishing, Quota, ToldQuota } from '../provider.ts';
import { containersOf, items, locate, type Part, planOf } from './chain.ts';
import { THREADS, type ThreadsSettings } from './client.ts';
import { DELETIONS } from './delete.ts';
import { requireEligibility } from './eligibility.ts';
import { ThreadsRequest, type ThreadsUnit } from './request.ts';

const DAY = 24 * 3_600_000;

/** Posts and replies in 24 hours (sheet section 4.7); Threads tells the real numbers. */
const QUOTAS = {
  posts: { bucket: PUBLISH_BUCKET, limit: 250, windowMs: DAY, counts: 'accepted' },
  replies: { bucket: 'reply', limit: 1000, windowMs: DAY, counts: 'accepted' },
} as const satisfies Record<string, Quota>;

/** Publishing (sheet section 4). */
export function createPublishing(settings: ThreadsSettings): Publishing {
  const containers: Containers = {
    platform: THREADS,
    call: ({ accessToken, signal }) => ({ base: `${settings.graphUrl}/v1.0`, accessToken, signal }),
    // A wrong id in the path looks like a container that is not there yet: `me` cannot be wrong (section 11, 4).
    account: () => '/me',
    edges: { create: 'threads', publish: 'threads_publish' },
    statusFields: 'id,status,error_message',
    textField: 'text',
    ownFiles: ({ request }) => {
      const { media, replies = [] } = parse(request);
      return [media, ...replies.map((reply) => reply.media)].flat().some(isOurs);
    },
  };

  return {
    plan: (request) => planOf(parse(request)),
    quotas: [...Object.values(QUOTAS), DELETIONS],
    // The first write of a part takes them: waiting comes before the container, which lives for a day.
    quotasOf(step, request) {
      const { part } = locate(parse(request), step);
      return step === containersOf(part)[0] ? [quotaOf(part)] : [];
    },

    async preflight(step, context) {
      const request = parse(context.request);
      const { part, task } = locate(request, step);
      if (task === 'publish') {
        await checkContainer(containers, context, context.made[part.name('container')], containersOf(part));
        return [];
      }
      if (step !== containersOf(part)[0]) return [];
      if (part.before === null) await requireEligibility(settings, request, context);
      // A missing scope can fail the whole call: it is asked for what is needed.
      return unlessRefused(readLimits(settings, context, isReply(part) ? ['reply'] : ['post']));
    },

    async write(step, context) {
      const { part, task } = locate(parse(context.request), step);
      if (task === 'publish')
        return publishContainer(
          containers,
          context,
          context.made[part.name('container')] ?? '',
          containersOf(part),
        );
      const item = items(part).indexOf(step);
      const ref = part.unit.media[item];
      if (ref !== undefined) {
        const params = {
          media_type: ref.kind === 'image' ? 'IMAGE' : 'VIDEO',
          is_carousel_item: 'true',
          ...urlParams(context, ref),
          ...fields({ alt_text: ref.alt_text }),
        };
        return { partId: (await createContainer(containers, context, params)).id, logId: null };
      }
      const made = await createContainer(containers, context, containerParams(part, context), items(part));
      return { ...(part.before === null ? { publishId: made.id } : { partId: made.id }), logId: null };
    },

    async lookUp(step, context, lost) {
      const { part } = locate(parse(context.request), step);
      const replyTo = answered(part, context);
      const amongReplies = replyTo !== undefined && context.scopes.includes('threads_read_replies');
      const found = await lookUpPublish(containers, context, context.made[part.name('container')] ?? '', {
        ...lost,
        again: containersOf(part),
        // Replies are a list of their own, with a permission of its own (section 6.1).
        list: amongReplies ? 'replies' : 'threads',
        caption: part.unit.postInfo.text ?? null,
        kind: { media_type: READ_AS[part.unit.mediaType] },
        replyTo,
      });
      // The list may lag behind (section 4.5), and the next part cannot do without the id of what it answers.
      const nameless = found.kind === 'happened' && found.written.providerPostId === undefined;
      return nameless && !part.last ? { kind: 'open' } : found;
    },

    async verdict(step, context) {
      const { part, task } = locate(parse(context.request), step);
      if (task === 'items') return awaitContainers(containers, context, items(part));
      if (task === 'ready')
        return awaitContainers(containers, context, [part.name('container')], containersOf(part));
      const providerPostId = context.made['publish'] ?? null;
      return {
        kind: 'published',
        status: 'PUBLISHED',
        providerPostId,
        permalink: providerPostId === null ? null : await readPermalink(containers, context, providerPostId),
      };
    },

    permalink: () => null,
  };
}

/** What a post is read back as (sheet section 6.2); reposts are listed too, without text. */
const READ_AS: Readonly<Record<ThreadsUnit['mediaType'], string>> = {
  TEXT: 'TEXT_POST',
  IMAGE: 'IMAGE',
  VIDEO: 'VIDEO',
  CAROUSEL: 'CAROUSEL_ALBUM',
};

function parse(request: unknown): ThreadsRequest {
  return Value.Parse(ThreadsRequest, request);
}

const isReply = ({ before, unit }: Part): boolean =>
  before !== null || unit.postInfo.reply_to_id !== undefined;
const quotaOf = (part: Part): Quota => (isReply(part) ? QUOTAS.replies : QUOTAS.posts);

/** The post that a part answers: of a chain, the part before it. */
function answered({ before, unit }: Part, { made }: PostContext): string | undefined {
  if (before === null) return unit.postInfo.reply_to_id;
  const id = made[before.name('publish')];
  if (id === undefined) throw new Error('the part before is not published');
  return id;
}

function containerParams(part: Part, context: PostContext): Record<string, string> {
  const { mediaType, media, postInfo } = part.unit;
  const { allowlisted_country_codes: countries, ...info } = postInfo;
  const [only] = media;
  return {
    media_type: mediaType,
    ...fields({
      ...info,
      reply_to_id: answered(part, context),
      allowlisted_country_codes: countries?.join(','),
    }),
    ...(mediaType === 'CAROUSEL'
      ? {
          children: items(part)
            .map((step) => context.made[step] ?? '')
            .join(','),
        }
      : only === undefined
        ? {}
        : urlParams(context, only)),
  };
}

/** The quotas that Threads tells, with the scope that each needs and how its fields begin (sheet section 4.7). */
const TOLD = {
  post: { bucket: PUBLISH_BUCKET, scope: 'threads_content_publish', prefix: '' },
  reply: { bucket: QUOTAS.replies.bucket, scope: 'threads_manage_replies', prefix: 'reply_' },
  delete: { bucket: DELETIONS.bucket, scope: 'threads_delete', prefix: 'delete_' },
} as const;
type Told = keyof typeof TOLD;

/** Those that may be asked for: one missing scope can fail the whole call. */
export function kindsFor(scopes: readonly string[]): Told[] {
  return (['post', 'reply', 'delete'] as const).filter((kind) => scopes.includes(TOLD[kind].scope));
}

/** How the account's quotas stand, in Threads' own words. @throws ProviderError */
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
