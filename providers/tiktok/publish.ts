import { ProviderError } from '../errors.ts';
import type { Plan } from '../../plan.ts';
import { id, text, word } from '../json.ts';
import { isLoopback } from '../loopback.ts';
import type { Needs } from '../permissions.ts';
import type { MediaFacts, PostContext, PostPublishing, Publishing, Verdict, Written } from '../publishing.ts';
import type { Quota } from '../quotas.ts';
import { callApi, type TikTokSettings } from './client.ts';
import { checkAgainstCreator, checkAudit, type CreatorInfo, creatorInfo } from './creator.ts';
import { failed } from './errors.ts';
import { lookUpInit } from './lost-init.ts';
import { QUOTAS } from './quotas.ts';
import { isPhotoPost, readRequest, type TikTokRequest } from './request.ts';
import { chunks, chunkSizeOf, createTransfer } from './upload.ts';

/** The Content Posting API (tiktok-facts 4). */
export function createPublishing(settings: TikTokSettings): Publishing {
  return {
    quotas: Object.values(QUOTAS),
    transfer: createTransfer((context) => fetchStatus(settings, context)),
    accountCheck: {
      quota: QUOTAS.creatorInfo,
      concerns(given) {
        const request = readRequest(given);
        checkAudit(settings.audited, request, null);
        return request.mode === 'direct';
      },
      async ask(accessToken, signal) {
        const creator = await creatorInfo(settings, accessToken, signal);
        return (request, media) => checkCreator(settings, readRequest(request), creator, media);
      },
    },
    of: (request) => publishingOf(settings, readRequest(request)),
  };
}

function publishingOf(settings: TikTokSettings, request: TikTokRequest): PostPublishing {
  return {
    kind: kindOf(request),
    plan: planOf(request),
    needs: neededScopes(request),
    quotasOf: (step) => quotasOf(step, request),

    async preflight(_step, { accessToken, signal, media }) {
      if (request.mode !== 'direct') return [];
      checkCreator(settings, request, await creatorInfo(settings, accessToken, signal), media);
      return [];
    },

    async write(_step, context) {
      const { path, body } = initCall(request, context);
      const { data, logId } = await callApi(settings, {
        path,
        body,
        effect: 'write',
        quota: initQuota(request).bucket,
        accessToken: context.accessToken,
        signal: context.signal,
      });
      return readInit(settings, request, data, logId);
    },

    lookUp: (_step, context, lost) => lookUpInit(settings, request, context, lost),

    async verdict(_step, context) {
      // Found in the creator's list of videos: it is live, but its publish id is unknown (lost-init.ts).
      if (context.publishId === null)
        return {
          kind: 'published',
          status: 'PUBLISH_COMPLETE',
          providerPostId: context.made['init'] ?? null,
        };
      return readVerdict(request, await fetchStatus(settings, context));
    },

    recall: (context) => cancelPull(settings, context),

    permalink(username, providerPostId) {
      if (username === null) return null;
      const kind = isPhotoPost(request) ? 'photo' : 'video';
      return `https://www.tiktok.com/@${username}/${kind}/${providerPostId}`;
    },
  };
}

/** @throws ProviderError `rejected` if the creator may not post this */
function checkCreator(
  { audited }: TikTokSettings,
  request: TikTokRequest,
  creator: CreatorInfo,
  media: MediaFacts | null,
): void {
  checkAudit(audited, request, creator);
  checkAgainstCreator(request, creator, media);
}

/** Neither scope allows the endpoints of the other (tiktok-facts 2.8). */
function neededScopes({ mode }: TikTokRequest): Needs {
  return mode === 'inbox'
    ? { scopes: ['video.upload'] }
    : {
        scopes: ['video.publish'],
        otherwise: 'Or send it to the TikTok inbox as a draft (mode inbox), where the account allows that.',
      };
}

/** The kind of post, in words. */
function kindOf(request: TikTokRequest): string {
  const { mode, photoUrls, videoUrl } = request;
  const photos = photoUrls?.length ?? 1;
  const what = isPhotoPost(request)
    ? `${photos} photo${photos === 1 ? '' : 's'}`
    : `a video${videoUrl === undefined ? '' : ' by URL'}`;
  return mode === 'inbox' ? `a draft of ${what}` : what;
}

/** A lost file init can never become visible: nobody has its upload URL. A lost URL init may be live. */
function planOf({ source }: TikTokRequest): Plan {
  return source === 'FILE_UPLOAD'
    ? [
        { kind: 'write', name: 'init', lost: 'repeat' },
        { kind: 'transfer', name: 'upload', of: 'init' },
        { kind: 'await', name: 'verdict' },
      ]
    : [
        { kind: 'write', name: 'init', lost: 'reconcile' },
        // TikTok can cancel a file that it is fetching, best effort (tiktok-facts 4.9).
        { kind: 'await', name: 'verdict', recall: true },
      ];
}

/** The quotas of which a step takes one each. */
function quotasOf(step: string, request: TikTokRequest): readonly Quota[] {
  const { mode } = request;
  if (step !== 'init') return [QUOTAS.status];
  const init = initQuota(request);
  // The preflight of a direct post queries the creator info.
  return mode === 'direct' ? [init, QUOTAS.creatorInfo, QUOTAS.dailyPost] : [init, QUOTAS.pendingShare];
}

/** The quota of inits per minute that this request counts for. */
function initQuota(request: TikTokRequest): Quota {
  if (isPhotoPost(request)) return QUOTAS.photoInit;
  return request.mode === 'direct' ? QUOTAS.directInit : QUOTAS.inboxInit;
}

function initCall(
  request: TikTokRequest,
  { media, mediaUrl }: PostContext,
): { path: `/v2/${string}`; body: object } {
  const { mode, postInfo, pulled } = request;
  const ours = pulled === undefined ? null : mediaUrl(pulled.mediaId);
  if (isPhotoPost(request)) {
    // For photos the label is next to post_info, not in it (tiktok-facts 4.5).
    const { is_aigc, ...photoInfo } = postInfo;
    return {
      path: '/v2/post/publish/content/init/',
      body: {
        media_type: 'PHOTO',
        post_mode: mode === 'direct' ? 'DIRECT_POST' : 'MEDIA_UPLOAD',
        ...(is_aigc === undefined ? {} : { is_aigc }),
        post_info: mode === 'direct' ? withToggles(photoInfo) : photoInfo,
        source_info: {
          source: 'PULL_FROM_URL',
          photo_images: request.photoUrls ?? [ours],
          photo_cover_index: request.photoCoverIndex ?? 0,
        },
      },
    };
  }
  const source_info =
    request.source === 'PULL_FROM_URL'
      ? { source: 'PULL_FROM_URL', video_url: request.videoUrl ?? ours }
      : fileSource(media?.size ?? 0);
  // The inbox endpoint has no post_info: the title stays in our record only (tiktok-facts 4.4).
  return mode === 'direct'
    ? { path: '/v2/post/publish/video/init/', body: { post_info: withToggles(postInfo), source_info } }
    : { path: '/v2/post/publish/inbox/video/init/', body: { source_info } };
}

function fileSource(size: number): object {
  return {
    source: 'FILE_UPLOAD',
    video_size: size,
    chunk_size: chunkSizeOf(size),
    total_chunk_count: chunks(size).length,
  };
}

/** The field table requires both toggles although samples omit them: always send them (tiktok-facts 4.3). */
function withToggles(postInfo: TikTokRequest['postInfo']): object {
  return { brand_content_toggle: false, brand_organic_toggle: false, ...postInfo };
}

function readInit(
  { uploadHosts }: TikTokSettings,
  { source }: TikTokRequest,
  data: Readonly<Record<string, unknown>>,
  logId: string | null,
): Written {
  const publishId = id(data['publish_id']);
  const uploadUrl = text(data['upload_url']);
  if (publishId === null || (source === 'FILE_UPLOAD' && uploadUrl === null))
    throw new ProviderError({
      provider: 'tiktok',
      kind: 'unknown',
      code: 'outcome_unknown',
      message: 'TikTok accepted the publish without naming it',
      userMessage: 'TikTok’s answer was incomplete. Check the TikTok account before you post again.',
      logId,
    });
  if (source !== 'FILE_UPLOAD' || uploadUrl === null) return { publishId, logId };
  if (!isUploadUrl(uploadUrl, uploadHosts))
    throw new ProviderError({
      provider: 'tiktok',
      kind: 'rejected',
      code: 'upload_host_refused',
      message: 'TikTok named an upload host that TIKTOK_UPLOAD_HOSTS does not allow',
      userMessage:
        'The video could not be sent safely. Nothing was published. The operator must check TIKTOK_UPLOAD_HOSTS.',
      logId,
    });
  return { publishId, secret: uploadUrl, logId };
}

/**
 * Whether the bytes may go to this URL: https unless loopback, and an allowed host (tiktok-facts 4.7).
 * @param hosts `host`, `host:port`, `*.domain` for its subdomains
 */
export function isUploadUrl(address: string, hosts: readonly string[]): boolean {
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '') return false;
  const loopback = isLoopback(url.hostname) || url.hostname === '[::1]';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) return false;
  return hosts.some((pattern) => {
    const [, name = '', port] = /^(.*?)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
    if (
      port !== undefined &&
      port !== (url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port)
    )
      return false;
    return name.startsWith('*.') ? url.hostname.endsWith(name.slice(1)) : url.hostname === name;
  });
}

/** TikTok's status of a publish. */
async function fetchStatus(
  settings: TikTokSettings,
  { publishId, accessToken, signal }: PostContext,
): Promise<Readonly<Record<string, unknown>>> {
  const { data } = await callApi(settings, {
    path: '/v2/post/publish/status/fetch/',
    body: { publish_id: publishId },
    effect: 'read',
    quota: QUOTAS.status.bucket,
    accessToken,
    signal,
  });
  return data;
}

/** Asks TikTok to cancel a file that it is fetching. @returns false if it is too late */
async function cancelPull(
  settings: TikTokSettings,
  { publishId, accessToken, signal }: PostContext,
): Promise<boolean> {
  if (publishId === null) return false;
  try {
    await callApi(settings, {
      path: '/v2/post/publish/cancel/',
      body: { publish_id: publishId },
      // Cancelling twice is harmless: the call is repeated if its answer is lost.
      effect: 'read',
      accessToken,
      signal,
    });
    return true;
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'rejected') return false;
    throw error;
  }
}

/** The meaning of a status, by mode (tiktok-facts 4.10); an unknown status is treated as pending. */
function readVerdict({ mode }: TikTokRequest, data: Readonly<Record<string, unknown>>): Verdict {
  const status = word(data['status']) ?? 'UNKNOWN';
  if (status === 'FAILED') return failed(text(data['fail_reason']));
  if (status === 'PUBLISH_COMPLETE')
    return { kind: 'published', status, providerPostId: publicId(data['publicaly_available_post_id']) };
  if (status === 'SEND_TO_USER_INBOX' && mode === 'inbox') return { kind: 'delivered', status };
  return { kind: 'pending', status };
}

/** Sometimes a list, sometimes one value, sometimes an empty list (tiktok-facts 8.13 and 8.14). */
function publicId(value: unknown): string | null {
  return id(Array.isArray(value) ? value[0] : value);
}
