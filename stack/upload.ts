import { createReadStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Upload } from 'tus-js-client';
import { Type } from 'typebox';
import type { Api } from './client.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.m4v': 'video/mp4',
  '.mov': 'video/quicktime',
  '.webm': 'video/webm',
};
const PATIENCE_MS = 120_000;
const NewMedia = Type.Object({ id: Type.String(), uploadUrl: Type.String() });
export const Media = Type.Object({
  state: Type.String(),
  rejectedReason: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});

/** Uploads a file to Everpost and waits until it is inspected; returns the media's id. */
export async function uploadMedia(
  api: Api,
  key: string,
  file: string,
  onProgress: (sent: number, total: number) => void = () => {},
): Promise<string> {
  const size = statSync(file).size;
  const contentType = CONTENT_TYPES[extname(file).toLowerCase()];
  if (contentType === undefined)
    throw new Error(
      `${file}: a video ends with ${Object.keys(CONTENT_TYPES).join(', ')}, not ${extname(file) || 'with nothing'}`,
    );
  const media = await api.post('/api/media', { filename: basename(file), contentType, size }, NewMedia);
  await sendBytes(media.uploadUrl, key, createReadStream(file), size, onProgress);
  await untilReady(api, media.id);
  return media.id;
}

/** tus 1.0 as any client would do it: one request, continued where it broke off. */
export function sendBytes(
  uploadUrl: string,
  key: string,
  source: Buffer | Readable,
  uploadSize: number,
  onProgress: (sent: number, total: number) => void = () => {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const upload = new Upload(source, {
      uploadUrl,
      uploadSize,
      headers: { authorization: `Bearer ${key}` },
      retryDelays: [0, 500, 1_000, 2_000],
      onProgress,
      onSuccess: () => resolve(),
      onError: reject,
    });
    upload.start();
  });
}

async function untilReady(api: Api, id: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const media = await api.get(`/api/media/${id}`, Media);
    if (media.state === 'ready') return;
    if (media.state === 'rejected' || media.state === 'expired')
      throw new Error(`The file is ${media.state}. ${media.rejectedReason ?? ''}`);
    if (Date.now() > deadline)
      throw new Error(`The file is still ${media.state} after ${PATIENCE_MS / 1_000} s`);
    await sleep(100);
  }
}
