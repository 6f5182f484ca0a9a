import { Value } from 'typebox/value';
import { ProviderError } from '../errors.ts';
import { http, type HttpAnswer } from '../http.ts';
import { id, text, word } from '../json.ts';
import { measured } from '../measured.ts';
import type { Chunk, PostContext, Publishing, Quota, Transfer, Verdict, Written } from '../provider.ts';
import { callApi, type TikTokSettings } from './client.ts';
import { checkAgainstCreator, creatorInfo } from './creator.ts';
import { failed, lost } from './errors.ts';
import { QUOTAS } from './quotas.ts';
import { TikTokRequest } from './request.ts';

/** At most 64,000,000 bytes go as one chunk, more are cut into chunks of 10,000,000 (sheet section 4.6, "Safe plan"). */
const WHOLE_BYTES = 64_000_000;
const CHUNK_BYTES = 10_000_000;
const MINUTE = 60_000;
/** A chunk of up to 128 MB on a slow line. */
const CHUNK_MS = 30 * MINUTE;

/** The Content Posting API (sheet section 4). */
export function createPublishing(settings: TikTokSettings): Publishing {
  const status = (context: PostContext) =>
    callApi(settings, {
      path: '/v2/post/publish/status/fetch/',
      body: { publish_id: context.publishId },
      effect: 'read',
      accessToken: context.accessToken,
      signal: context.signal,
    }).then(({ data }) => data);

  return {
    plan(request) {
      // A lost file init can never become visible: nobody has its upload URL. A lost URL init may be live.
      return parse(request).source === 'FILE_UPLOAD'
        ? [
            { kind: 'write', name: 'init', lost: 'repeat' },
            { kind: 'transfer', name: 'upload', of: 'init' },
            { kind: 'await', name: 'verdict' },
          ]
        : [
            { kind: 'write', name: 'init', lost: 'reconcile' },
            // What TikTok pulls can be cancelled, best effort (sheet section 4.9).
            { kind: 'await', name: 'verdict', recall: true },
          ];
    },

    // Neither scope opens the endpoints of the other (sheet section 2.8).
    needs: (request) =>
      parse(request).mode === 'inbox'
        ? { scopes: ['video.upload'] }
        : {
            scopes: ['video.publish'],
            otherwise:
              'Or send it to the TikTok inbox as a draft (mode inbox), where the account allows that.',
          },

    quotas: Object.values(QUOTAS),
    quotasOf: (step, request) => quotasOf(step, parse(request)),

    async preflight(_step, { request, accessToken, signal, media }) {
      const accepted = parse(request);
      if (accepted.mode === 'direct')
        checkAgainstCreator(accepted, await creatorInfo(settings, accessToken, signal), media);
      return [];
    },

    async write(_step, context) {
      const request = parse(context.request);
      const { path, body } = initCall(request, context.media?.size ?? null);
      const { data, logId } = await callApi(settings, {
        path,
        body,
        effect: 'write',
        // One does not stand for the other (sheet section 2.8).
        scope: request.mode === 'direct' ? 'video.publish' : 'video.upload',
        accessToken: context.accessToken,
        signal: context.signal,
      });
      return readInit(settings, request, data, logId);
    },

    transfer: createTransfer(status),

    async verdict(_step, context) {
      return readVerdict(parse(context.request), await status(context));
    },

    async recall({ publishId, accessToken, signal }) {
      try {
        await callApi(settings, {
          path: '/v2/post/publish/cancel/',
          body: { publish_id: publishId },
          // Cancelling twice is cancelling once: a lost answer is asked for again.
          effect: 'read',
          accessToken,
          signal,
        });
        return true;
      } catch (error) {
        if (error instanceof ProviderError && error.kind === 'rejected') return false;
        throw error;
      }
    },

    permalink(request, username, providerPostId) {
      if (username === null) return null;
      const kind = parse(request).photoUrls === undefined ? 'video' : 'photo';
      return `https://www.tiktok.com/@${username}/${kind}/${providerPostId}`;
    },
  };
}

/** Files go to the upload URL, which is the permission: bytes need no token (sheet section 4.7). */
function createTransfer(
  status: (context: PostContext) => Promise<Readonly<Record<string, unknown>>>,
): Transfer {
  return {
    needsToken: false,
    chunks,

    sendChunk: ({ media, signal }, { first, last, total, secret, body }) =>
      measured('tiktok', 'upload', async () => {
        const answer = await http({
          method: 'PUT',
          url: secret,
          headers: {
            'content-type': media?.contentType ?? 'video/mp4',
            'content-length': String(last - first + 1),
            'content-range': `bytes ${first}-${last}/${total}`,
          },
          body,
          signal,
          totalMs: CHUNK_MS,
        }).catch((error: unknown): never => {
          throw lost(error, 'read');
        });
        switch (answer.status) {
          case 206:
            return 'stored';
          case 200:
            // Not one of TikTok's own answers: of a chunk in the middle it ends nothing.
            return last === total - 1 ? 'complete' : 'stored';
          case 201:
            return 'complete';
          case 416:
            return receivedMark(answer) ?? 'out_of_step';
          case 403:
          case 404:
            return 'expired';
          default:
            throw uploadError(answer.status);
        }
      }),

    async receivedBytes(context) {
      const data = await status(context);
      // Anything but PROCESSING_UPLOAD means that TikTok has all it wants.
      if (data['status'] !== 'PROCESSING_UPLOAD') return context.media?.size ?? 0;
      // All but the status may be absent (sheet section 4.10).
      return typeof data['uploaded_bytes'] === 'number' ? data['uploaded_bytes'] : null;
    },
  };
}

/** Where the upload host stands: it may count bytes or name the last one (sheet section 4.7). */
function receivedMark({ headers }: HttpAnswer): number | null {
  const range = headers['content-range'];
  const [, mark] = /^bytes 0-(\d+)\//.exec(typeof range === 'string' ? range : '') ?? [];
  return mark === undefined ? null : Number(mark);
}

/**
 * How a file is cut: the remainder is merged into the last chunk (sheet section 4.6).
 * @param size in bytes
 */
export function chunks(size: number): Chunk[] {
  const chunkSize = chunkSizeOf(size);
  const count = Math.max(1, Math.floor(size / chunkSize));
  return Array.from({ length: count }, (_, index) => ({
    first: index * chunkSize,
    last: index === count - 1 ? size - 1 : (index + 1) * chunkSize - 1,
  }));
}

function chunkSizeOf(size: number): number {
  return size <= WHOLE_BYTES ? size : CHUNK_BYTES;
}

function parse(request: unknown): TikTokRequest {
  return Value.Parse(TikTokRequest, request);
}

/** Takes one of the quotas that a step's calls count for. */
function quotasOf(step: string, { mode, photoUrls }: TikTokRequest): readonly Quota[] {
  if (step !== 'init') return [QUOTAS.status];
  const photo = photoUrls !== undefined;
  // The preflight of a direct post asks for the creator info.
  if (mode === 'direct')
    return [photo ? QUOTAS.photoInit : QUOTAS.directInit, QUOTAS.creatorInfo, QUOTAS.dailyPost];
  return [photo ? QUOTAS.photoInit : QUOTAS.inboxInit, QUOTAS.pendingShare];
}

function initCall(request: TikTokRequest, size: number | null): { path: `/v2/${string}`; body: object } {
  const { mode, postInfo, photoUrls } = request;
  if (photoUrls !== undefined) {
    // Of photos the label stands beside post_info, not in it (sheet section 4.5).
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
          photo_images: photoUrls,
          photo_cover_index: request.photoCoverIndex ?? 0,
        },
      },
    };
  }
  const source_info =
    request.source === 'PULL_FROM_URL'
      ? { source: 'PULL_FROM_URL', video_url: request.videoUrl }
      : fileSource(size ?? 0);
  // The inbox endpoint knows no post_info: the title stays with our record (sheet section 4.4).
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

/** The field table calls both toggles required although samples leave them out: send them always (sheet section 4.3). */
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
      userMessage: 'TikTok’s answer was incomplete. Look at the TikTok account before you post again.',
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
        'The video could not be sent safely. Nothing was published. The operator has to check TIKTOK_UPLOAD_HOSTS.',
      logId,
    });
  return { publishId, secret: uploadUrl, logId };
}

/**
 * Whether the bytes may go to this URL: https unless loopback, and a host that is allowed (sheet section 4.7).
 * @param hosts `host`, `host:port`, `*.domain` for its subdomains
 */
export function isUploadUrl(address: string, hosts: readonly string[]): boolean {
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '') return false;
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
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

function uploadError(status: number): ProviderError {
  const again = status >= 500 || status === 429 || status === 408;
  return new ProviderError({
    provider: 'tiktok',
    kind: again ? 'unavailable' : 'rejected',
    code: again ? 'provider_unavailable' : 'upload_refused',
    message: `TikTok answered the upload with ${status}`,
    userMessage: again
      ? 'TikTok does not take the video at the moment. It is tried again.'
      : 'TikTok refused the video’s bytes. Nothing was published.',
    providerCode: String(status),
  });
}

/** Status words and what they mean by mode (sheet section 4.10); a word we do not know is waited out. */
function readVerdict({ mode }: TikTokRequest, data: Readonly<Record<string, unknown>>): Verdict {
  const status = word(data['status']) ?? 'UNKNOWN';
  if (status === 'FAILED') return failed(text(data['fail_reason']));
  if (status === 'PUBLISH_COMPLETE')
    return { kind: 'published', status, providerPostId: publicId(data['publicaly_available_post_id']) };
  if (status === 'SEND_TO_USER_INBOX' && mode === 'inbox') return { kind: 'delivered', status };
  return { kind: 'pending', status };
}

/** Sometimes a list, sometimes one value, sometimes an empty list (sheet section 8, 13 and 14). */
function publicId(value: unknown): string | null {
  return id(Array.isArray(value) ? value[0] : value);
}
