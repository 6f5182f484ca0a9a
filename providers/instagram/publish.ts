import { Value } from 'typebox/value';
import type { Plan } from '../../plan.ts';
import { records } from '../json.ts';
import {
  awaitContainers,
  checkContainer,
  type Containers,
  createContainer,
  type PostContainers,
  publishContainer,
  readLive,
} from '../meta/containers.ts';
import { PUBLISH_BUCKET } from '../meta/codes.ts';
import { callGraph } from '../meta/graph.ts';
import { toldQuotas, unlessRefused } from '../meta/limits.ts';
import { lookUpPublish } from '../meta/lost-publish.ts';
import { fields, isOurs, type MediaRef, urlParams } from '../meta/media.ts';
import type { PostContext, PostPublishing, Publishing, Written } from '../publishing.ts';
import type { Quota, ToldQuota } from '../quotas.ts';
import { DAY } from '../../durations.ts';
import { INSTAGRAM, type Login } from './client.ts';
import { InstagramRequest } from './request.ts';
import { createTransfer, uploadUri } from './upload.ts';

const QUOTAS = {
  /**
   * Posts in 24 hours: Meta's pages contradict each other, so the account's limit is read from the API
   * (instagram-facts 4.5).
   */
  posts: { bucket: PUBLISH_BUCKET, limit: null, windowMs: DAY, counts: 'shown' },
  /** 400 containers in 24 hours (instagram-facts 4.1). */
  containers: { bucket: 'container', limit: 400, windowMs: DAY, counts: 'accepted' },
} as const satisfies Record<string, Quota>;

const KINDS = { IMAGE: 'an image', REELS: 'a reel', STORIES: 'a story' } as const;

/** How Instagram creates and publishes containers. */
function createContainers({ call }: Login): Containers {
  return {
    platform: INSTAGRAM,
    call: ({ accessToken, signal }) => ({ ...call, accessToken, signal }),
    account: ({ openId }) => `/${openId}`,
    edges: { create: 'media', publish: 'media_publish' },
    statusFields: 'id,status_code,status',
    textField: 'caption',
  };
}

/** Content publishing (instagram-facts 4). */
export function createPublishing(login: Login): Publishing {
  const containers = createContainers(login);
  return {
    quotas: Object.values(QUOTAS),
    ...(login.uploadUrl === undefined ? {} : { transfer: createTransfer(containers) }),
    of: (request) => publishingOf(login, containers, Value.Parse(InstagramRequest, request)),
  };
}

function publishingOf(login: Login, platform: Containers, request: InstagramRequest): PostPublishing {
  const { permissions, uploadUrl } = login;
  const { mediaType, media, postInfo } = request;
  const containers: PostContainers = { ...platform, ownFiles: media.some(isOurs) };
  const parts = items(request);
  /** Every write that creates a container, in order. */
  const writes = [...parts, 'container'];

  async function makeItem(item: number, context: PostContext): Promise<Written> {
    const ref = media[item];
    if (ref === undefined) throw new Error(`the post has no item ${item + 1}`);
    return { partId: (await createContainer(containers, context, itemParams(ref, context))).id, logId: null };
  }

  async function makeContainer(context: PostContext): Promise<Written> {
    // The account may have been connected another way when the plan was made.
    const target = context.sendsFile ? uploadUrl : undefined;
    const params = containerParams(request, context, target !== undefined);
    const made = await createContainer(containers, context, params, parts);
    if (target === undefined) return { publishId: made.id, logId: null };
    return { publishId: made.id, secret: uploadUri(target, made), logId: null };
  }

  return {
    kind: mediaType === 'CAROUSEL' ? `a carousel of ${media.length}` : KINDS[mediaType],
    plan: plan(request, uploadUrl !== undefined),
    needs: { scopes: permissions.capabilities.publish ?? [] },
    quotasOf(step) {
      // The first write takes the post's place too: it is better to wait before the container, which lives for a day
      // (instagram-facts 4.1).
      if (step === writes[0]) return [QUOTAS.containers, QUOTAS.posts];
      return writes.includes(step) ? [QUOTAS.containers] : [];
    },

    async preflight(step, context) {
      if (step === 'publish') {
        await checkContainer(containers, context, context.made['container'], writes);
        return [];
      }
      return step === writes[0] ? unlessRefused(readLimits(login, context.openId, context)) : [];
    },

    async write(step, context) {
      if (step === 'publish')
        return publishContainer(containers, context, context.made['container'] ?? '', writes);
      const item = itemOf(step);
      return item === null ? makeContainer(context) : makeItem(item, context);
    },

    lookUp: (_step, context, lost) =>
      lookUpPublish(containers, context, context.made['container'] ?? '', {
        ...lost,
        again: writes,
        // Stories have their own list (instagram-facts 7.1).
        list: mediaType === 'STORIES' ? 'stories' : 'media',
        caption: postInfo.caption ?? null,
        kind: READ_AS[mediaType],
      }),

    async verdict(step, context) {
      if (step === 'items') return awaitContainers(containers, context, parts);
      if (step === 'ready') return awaitContainers(containers, context, ['container'], writes);
      return readLive(containers, context, context.made['publish'] ?? null);
    },

    permalink: () => null,
  };
}

/** The media type of a post when it is read back (instagram-facts 7.2). */
const READ_AS: Readonly<Record<InstagramRequest['mediaType'], Readonly<Record<string, string>>>> = {
  IMAGE: { media_product_type: 'FEED', media_type: 'IMAGE' },
  REELS: { media_product_type: 'REELS' },
  STORIES: { media_product_type: 'STORY' },
  CAROUSEL: { media_product_type: 'FEED', media_type: 'CAROUSEL_ALBUM' },
};

/** @param uploads whether our files are uploaded at all */
function plan(request: InstagramRequest, uploads: boolean): Plan {
  const parts = items(request);
  return [
    ...parts.map((name) => ({ kind: 'write', name, lost: 'repeat' }) as const),
    ...(parts.length > 0 ? [{ kind: 'await', name: 'items' } as const] : []),
    { kind: 'write', name: 'container', lost: 'repeat' },
    ...(uploads && isOneVideo(request)
      ? [{ kind: 'transfer', name: 'upload', of: 'container' } as const]
      : []),
    { kind: 'await', name: 'ready' },
    { kind: 'write', name: 'publish', lost: 'reconcile', shows: true },
    { kind: 'await', name: 'permalink', soon: true },
  ];
}

function items({ mediaType, media }: InstagramRequest): string[] {
  return mediaType === 'CAROUSEL' ? media.map((_ref, index) => `item:${index + 1}`) : [];
}

function itemOf(step: string): number | null {
  const [, number] = /^item:(\d+)$/.exec(step) ?? [];
  return number === undefined ? null : Number(number) - 1;
}

/** A single video of ours can be uploaded; Meta fetches everything else (instagram-facts 4.1 and 4.2). */
function isOneVideo({ mediaType, media }: InstagramRequest): boolean {
  return mediaType !== 'CAROUSEL' && media[0]?.kind === 'video' && media[0].mediaId !== undefined;
}

function itemParams(ref: MediaRef, context: PostContext): Record<string, string> {
  return {
    is_carousel_item: 'true',
    ...(ref.kind === 'video' ? { media_type: 'VIDEO' } : {}),
    ...urlParams(context, ref),
    ...fields({ alt_text: ref.alt_text, user_tags: ref.user_tags }),
  };
}

function containerParams(
  request: InstagramRequest,
  context: PostContext,
  upload: boolean,
): Record<string, string> {
  const { mediaType, media, postInfo } = request;
  const [only] = media;
  const info = fields(postInfo);
  if (mediaType === 'CAROUSEL')
    return {
      media_type: 'CAROUSEL',
      children: items(request)
        .map((step) => context.made[step] ?? '')
        .join(','),
      ...info,
    };
  if (only === undefined) throw new Error('the post has no file');
  return {
    // Omitted for a single image (instagram-facts 4.1).
    ...(mediaType === 'IMAGE' ? {} : { media_type: mediaType }),
    ...(upload ? { upload_type: 'resumable' } : urlParams(context, only)),
    ...info,
  };
}

/** How many more posts the account may make, in Instagram's own fields (instagram-facts 4.5). @throws ProviderError */
export async function readLimits(
  { call }: Login,
  openId: string,
  { accessToken, signal }: Pick<PostContext, 'accessToken' | 'signal'>,
): Promise<ToldQuota[]> {
  const answer = await callGraph(INSTAGRAM, {
    ...call,
    path: `/${openId}/content_publishing_limit`,
    params: { fields: 'quota_usage,config' },
    effect: 'read',
    accessToken,
    signal,
  });
  return toldQuotas(records(answer['data'])[0], [{ bucket: PUBLISH_BUCKET, prefix: '' }]);
}
