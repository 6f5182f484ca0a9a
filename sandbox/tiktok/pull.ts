import { createHash } from 'node:crypto';
import { Agent, request } from 'undici';
import type { TikTok } from './context.ts';
import { bytesComplete, failPublish, isFinal } from './lifecycle.ts';
import type { Publish } from './state.ts';

const MAX_VIDEO_BYTES = 4 * 1024 ** 3;
const MAX_PHOTO_BYTES = 20_000_000;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

class MediaRefused extends Error {}

/** tiktok-facts 4.8: one GET for each URL, no redirects, an hour at most. Returns a function that closes it. */
export function registerPull(tiktok: TikTok): () => Promise<void> {
  const agent = new Agent();
  tiktok.core.jobs.on('tiktok.pull', (id) => pull(tiktok, agent, id));
  return () => agent.destroy();
}

async function pull(tiktok: TikTok, agent: Agent, id: string): Promise<void> {
  const publish = tiktok.state.publishes[id];
  if (publish === undefined || isFinal(publish)) return;
  publish.received = 0;
  publish.files = [];
  const timeout = AbortSignal.timeout(tiktok.options.pullTimeoutSeconds * 1_000);
  const signal = AbortSignal.any([timeout, tiktok.core.closing]);
  try {
    for (const url of publish.urls) await pullOne(publish, url, agent, signal);
  } catch (error) {
    if (tiktok.core.closing.aborted || isFinal(publish)) return;
    const reason = error instanceof MediaRefused ? error.message : `${publish.kind}_pull_failed`;
    return failPublish(tiktok, publish, reason);
  }
  if (isFinal(publish)) return;
  if (publish.kind === 'video') publish.sha256 = publish.files[0]?.sha256 ?? null;
  bytesComplete(tiktok, publish);
}

async function pullOne(publish: Publish, url: string, agent: Agent, signal: AbortSignal): Promise<void> {
  const headers = { 'accept-encoding': 'identity', 'user-agent': 'TikTok-sandbox' };
  const { statusCode, body } = await request(url, { headers, dispatcher: agent, signal });
  if (statusCode !== 200) {
    await body.dump();
    throw new Error(`HTTP ${statusCode}`);
  }
  const hash = createHash('sha256');
  let size = 0;
  for await (const part of body) {
    const bytes: Buffer = part;
    if (isFinal(publish)) throw new Error('ended meanwhile');
    if (publish.kind === 'photo' && size === 0 && bytes.subarray(0, 4).equals(PNG)) {
      throw new MediaRefused('file_format_check_failed');
    }
    size += bytes.length;
    if (publish.kind === 'photo' && size > MAX_PHOTO_BYTES)
      throw new MediaRefused('picture_size_check_failed');
    if (size > MAX_VIDEO_BYTES) throw new MediaRefused('file_format_check_failed');
    publish.received += bytes.length;
    hash.update(bytes);
  }
  if (size === 0) throw new Error('no bytes');
  publish.files.push({ url, size, sha256: hash.digest('hex') });
}
