import { Value } from 'typebox/value';
import { ProviderError } from '../errors.ts';
import {
  awaitContainers,
  checkContainer,
  type Containers,
  createContainer,
  lookUpPublish,
  publishContainer,
  readPermalink,
} from '../meta/containers.ts';
import { PUBLISH_BUCKET } from '../meta/errors.ts';
import { callGraph } from '../meta/graph.ts';
import { fields, urlParams } from '../meta/media.ts';
import { amount, record, records } from '../json.ts';
import type { Plan, PostContext, Publishing, Quota, ToldQuota } from '../provider.ts';
import { THREADS, type ThreadsSettings } from './client.ts';
import { ThreadsRequest } from './request.ts';

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
    edges: { create: 'threads', publish: 'threads_publish', list: 'threads' },
    statusFields: 'id,status,error_message',
    textField: 'text',
  };

  return {
    plan: (request) => plan(parse(request)),
    quotas: Object.values(QUOTAS),
    // The first write takes them: waiting comes before the container, which lives for a day.
    quotasOf: (step, request) => (step === firstWrite(parse(request)) ? [quotaOf(parse(request))] : []),

    async preflight(step, context) {
      const request = parse(context.request);
      if (step === 'publish') {
        await checkContainer(containers, context, context.made['container'], allWrites(request));
        return [];
      }
      return step === firstWrite(request) ? limits(settings, context, request) : [];
    },

    async write(step, context) {
      const request = parse(context.request);
      if (step === 'publish')
        return publishContainer(containers, context, context.made['container'] ?? '', allWrites(request));
      const item = itemOf(step);
      if (item !== null) {
        const ref = request.media[item];
        if (ref === undefined) throw new Error(`the post has no item ${item + 1}`);
        const params = {
          media_type: ref.kind === 'image' ? 'IMAGE' : 'VIDEO',
          is_carousel_item: 'true',
          ...urlParams(context, ref),
          ...fields({ alt_text: ref.alt_text }),
        };
        return { partId: (await createContainer(containers, context, params)).id, logId: null };
      }
      const made = await createContainer(containers, context, containerParams(request, context));
      return { publishId: made.id, logId: null };
    },

    lookUp: (_step, context, lost) => {
      const { postInfo } = parse(context.request);
      return lookUpPublish(containers, context, context.made['container'] ?? '', {
        ...lost,
        caption: postInfo.text ?? null,
      });
    },

    async verdict(step, context) {
      const request = parse(context.request);
      if (step === 'items') return awaitContainers(containers, context, items(request));
      if (step === 'ready') return awaitContainers(containers, context, ['container'], allWrites(request));
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

function parse(request: unknown): ThreadsRequest {
  return Value.Parse(ThreadsRequest, request);
}

/** Children of a carousel come first, and each has to be finished (sheet section 4.3). */
function plan(request: ThreadsRequest): Plan {
  const parts = items(request);
  return [
    ...parts.map((name) => ({ kind: 'write', name, lost: 'repeat' }) as const),
    ...(parts.length > 0 ? [{ kind: 'await', name: 'items' } as const] : []),
    { kind: 'write', name: 'container', lost: 'repeat' },
    { kind: 'await', name: 'ready' },
    { kind: 'write', name: 'publish', lost: 'reconcile' },
    { kind: 'await', name: 'permalink', soon: true },
  ];
}

function items({ mediaType, media }: ThreadsRequest): string[] {
  return mediaType === 'CAROUSEL' ? media.map((_ref, index) => `item:${index + 1}`) : [];
}

function itemOf(step: string): number | null {
  const [, number] = /^item:(\d+)$/.exec(step) ?? [];
  return number === undefined ? null : Number(number) - 1;
}

const allWrites = (request: ThreadsRequest): string[] => [...items(request), 'container'];
const firstWrite = (request: ThreadsRequest): string => items(request)[0] ?? 'container';
const quotaOf = ({ postInfo }: ThreadsRequest): Quota =>
  postInfo.reply_to_id === undefined ? QUOTAS.posts : QUOTAS.replies;

function containerParams(request: ThreadsRequest, context: PostContext): Record<string, string> {
  const { mediaType, media, postInfo } = request;
  const { allowlisted_country_codes: countries, ...info } = postInfo;
  const [only] = media;
  return {
    media_type: mediaType,
    ...fields({ ...info, allowlisted_country_codes: countries?.join(',') }),
    ...(mediaType === 'CAROUSEL'
      ? {
          children: items(request)
            .map((step) => context.made[step] ?? '')
            .join(','),
        }
      : only === undefined
        ? {}
        : urlParams(context, only)),
  };
}

/** What Threads says about the quotas (sheet section 4.7). A missing scope can fail the whole call: it is asked for what is needed. */
async function limits(
  settings: ThreadsSettings,
  context: PostContext,
  request: ThreadsRequest,
): Promise<ToldQuota[]> {
  const reply = quotaOf(request) === QUOTAS.replies;
  try {
    return await readLimits(settings, context, reply ? ['reply'] : ['post']);
  } catch (error) {
    // The ledger knows enough; a refusal comes with the publish.
    if (error instanceof ProviderError && error.kind !== 'token') return [];
    throw error;
  }
}

/** How the account's quotas stand, in Threads' own words. @throws ProviderError */
export async function readLimits(
  { graphUrl }: ThreadsSettings,
  { accessToken, signal }: Pick<PostContext, 'accessToken' | 'signal'>,
  kinds: readonly ('post' | 'reply')[],
): Promise<ToldQuota[]> {
  const names = { post: ['quota_usage', 'config'], reply: ['reply_quota_usage', 'reply_config'] } as const;
  const answer = await callGraph(THREADS, {
    base: `${graphUrl}/v1.0`,
    path: '/me/threads_publishing_limit',
    params: { fields: kinds.flatMap((kind) => names[kind]).join(',') },
    effect: 'read',
    accessToken,
    signal,
  });
  const row = records(answer['data'])[0] ?? answer;
  return kinds.flatMap((kind) => {
    const used = amount(row[names[kind][0]]);
    const limit = amount(record(row[names[kind][1]])?.['quota_total']);
    const { bucket } = kind === 'post' ? QUOTAS.posts : QUOTAS.replies;
    return used === null || limit === null ? [] : [{ bucket, limit, used }];
  });
}
