import { randomUUID } from 'node:crypto';
import type { Call, Reply, Route } from '../core/http.ts';
import { int64Id } from '../core/ids.ts';
import type { CheckAccess } from './access.ts';
import {
  DirectPhoto,
  DirectVideo,
  FileSource,
  InboxPhoto,
  InboxVideo,
  PhotoMode,
  UrlSource,
} from './bodies.ts';
import { bannedCap, directPostCap, pendingShareCap } from './caps.ts';
import type { TikTok } from './context.ts';
import { envelopeErrorBody, ok, refuse } from './envelope.ts';
import { readBody, readPart } from './input.ts';
import { checkChunks, checkLength, checkPrivacy, checkPullUrl, forcedByAccount } from './rules.ts';
import type { Publish } from './state.ts';

const PHOTO_SOURCE_MAX = 35;

export function initRoutes(tiktok: TikTok, access: CheckAccess): Route[] {
  const { state, options, core } = tiktok;

  function refuseAtCap(openId: string, mode: Publish['mode']): void {
    const cap =
      bannedCap(tiktok, openId) ??
      (mode === 'direct' ? directPostCap(tiktok, openId) : pendingShareCap(tiktok, openId));
    if (cap !== undefined) refuse(tiktok, cap.http, cap.code, cap.message);
  }

  function start(
    shape: string,
    publish: Partial<Publish> & Pick<Publish, 'openId' | 'mode' | 'kind' | 'source'>,
  ) {
    const started: Publish = {
      id: shape + int64Id(),
      status: publish.source === 'FILE_UPLOAD' ? 'PROCESSING_UPLOAD' : 'PROCESSING_DOWNLOAD',
      failReason: null,
      createdAt: core.clock.now(),
      postInfo: {},
      upload: null,
      urls: [],
      files: [],
      received: 0,
      sha256: null,
      completedAt: null,
      postIds: [],
      ...publish,
    };
    state.publishes[started.id] = started;
    if (started.source === 'PULL_FROM_URL') core.jobs.at(core.clock.now(), 'tiktok.pull', started.id);
    return started;
  }

  function video(
    call: Call,
    openId: string,
    mode: Publish['mode'],
    postInfo: Publish['postInfo'],
    source: unknown,
  ) {
    const area = mode === 'direct' ? 'v_pub' : 'v_inbox';
    const isFile =
      typeof source === 'object' && source !== null && Reflect.get(source, 'source') === 'FILE_UPLOAD';
    if (!isFile) {
      const { video_url } = readPart(tiktok, UrlSource, source);
      refuseAtCap(openId, mode);
      if (mode === 'direct') checkPrivacy(tiktok, openId, postInfo);
      checkPullUrl(tiktok, video_url);
      const base = { openId, mode, kind: 'video', source: 'PULL_FROM_URL', postInfo } as const;
      const { id } = start(`${area}_url~v2.`, { ...base, urls: [video_url] });
      return ok(tiktok, { publish_id: id });
    }
    const file = readPart(tiktok, FileSource, source);
    checkChunks(tiktok, file);
    refuseAtCap(openId, mode);
    if (mode === 'direct') checkPrivacy(tiktok, openId, postInfo);
    const upload = {
      id: int64Id(),
      token: randomUUID(),
      expiresAt: core.clock.now() + options.uploadUrlSeconds * 1_000,
      videoSize: file.video_size,
      chunkSize: file.chunk_size,
      chunkCount: file.total_chunk_count,
      chunks: [],
      contentType: null,
    };
    const base = { openId, mode, kind: 'video', source: 'FILE_UPLOAD', postInfo } as const;
    const { id } = start(`${area}_file~${mode === 'direct' ? 'v2-1' : 'v2'}.`, { ...base, upload });
    const query = `upload_id=${upload.id}&upload_token=${upload.token}`;
    return ok(tiktok, { publish_id: id, upload_url: `${call.url.origin}/upload/?${query}` });
  }

  function directVideo(call: Call): Reply {
    const { openId } = access(call, ['video.publish'], 'video.init');
    const { post_info, source_info } = readBody(tiktok, DirectVideo, call.text);
    checkLength(tiktok, post_info, 'title', 2_200);
    return video(call, openId, 'direct', forcedByAccount(tiktok, openId, post_info), source_info);
  }

  function inboxVideo(call: Call): Reply {
    const { openId } = access(call, ['video.upload'], 'inbox.init');
    return video(call, openId, 'inbox', {}, readBody(tiktok, InboxVideo, call.text).source_info);
  }

  function photos(call: Call): Reply {
    const { openId, scopes } = access(call, ['video.publish', 'video.upload'], 'content.init');
    const { post_mode } = readBody(tiktok, PhotoMode, call.text);
    const mode = post_mode === 'DIRECT_POST' ? 'direct' : 'inbox';
    const needed = mode === 'direct' ? 'video.publish' : 'video.upload';
    if (!scopes.includes(needed))
      refuse(tiktok, 401, 'scope_not_authorized', `The scope ${needed} is needed`);
    const body =
      mode === 'direct' ? readBody(tiktok, DirectPhoto, call.text) : readBody(tiktok, InboxPhoto, call.text);
    const postInfo = body.post_info ?? {};
    checkLength(tiktok, postInfo, 'title', 90);
    checkLength(tiktok, postInfo, 'description', 4_000);
    const { photo_images, photo_cover_index } = body.source_info;
    if (photo_images.length < options.minPhotos || photo_images.length > PHOTO_SOURCE_MAX) {
      refuse(tiktok, 400, 'invalid_params', 'The number of photos is invalid');
    }
    if (photo_cover_index >= photo_images.length) {
      refuse(tiktok, 400, 'invalid_params', 'The photo cover index is invalid');
    }
    refuseAtCap(openId, mode);
    if (mode === 'direct') checkPrivacy(tiktok, openId, postInfo);
    for (const url of photo_images) checkPullUrl(tiktok, url);
    const base = { openId, mode, kind: 'photo', source: 'PULL_FROM_URL', postInfo } as const;
    const area = mode === 'direct' ? 'p_pub' : 'p_inbox';
    const { id } = start(`${area}_url~v2.`, { ...base, urls: photo_images });
    return ok(tiktok, { publish_id: id });
  }

  const errorBody = envelopeErrorBody(tiktok);
  const root = '/v2/post/publish';
  return [
    { method: 'POST', path: `${root}/video/init/`, endpoint: 'video.init', errorBody, handle: directVideo },
    {
      method: 'POST',
      path: `${root}/inbox/video/init/`,
      endpoint: 'inbox.init',
      errorBody,
      handle: inboxVideo,
    },
    { method: 'POST', path: `${root}/content/init/`, endpoint: 'content.init', errorBody, handle: photos },
  ];
}
