import { createHash } from 'node:crypto';
import { Agent, request } from 'undici';
import { imageFacts, type ImageFacts } from './image-facts.ts';
import { VideoReader, type VideoFacts } from './video-facts.ts';

export interface Pulled {
  url: string;
  size: number;
  sha256: string;
  image: ImageFacts | null;
  video: VideoFacts | null;
}

/** Why a file could not be fetched: the host does not serve it, or it is no valid file. */
export class PullFailed extends Error {
  readonly why: 'unreachable' | 'wrong type' | 'too large';

  constructor(why: PullFailed['why'], detail: string) {
    super(`${why}: ${detail}`);
    this.why = why;
  }
}

const TYPES = {
  image: ['image/jpeg', 'image/jpg', 'image/png'],
  video: ['video/mp4', 'video/quicktime'],
};

export function createPuller(closing: AbortSignal) {
  const agent = new Agent();

  /** One GET, no redirects: a redirecting host fails (instagram-facts 9.12 and 9.20, threads-facts 4.8). */
  async function pull(
    url: string,
    kind: 'image' | 'video',
    limits: { maxBytes: number; timeoutMs: number },
  ): Promise<Pulled> {
    try {
      const signal = AbortSignal.any([closing, AbortSignal.timeout(limits.timeoutMs)]);
      return await get(url, kind, limits.maxBytes, signal);
    } catch (error) {
      if (error instanceof PullFailed) throw error;
      throw new PullFailed('unreachable', error instanceof Error ? error.message : 'unknown error');
    }
  }

  async function get(url: string, kind: 'image' | 'video', maxBytes: number, signal: AbortSignal) {
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'facebookexternalhit/1.1 sandbox' };
    const {
      statusCode,
      headers: answered,
      body,
    } = await request(url, { headers, dispatcher: agent, signal });
    const type =
      String(answered['content-type'] ?? '')
        .split(';')[0]
        ?.trim() ?? '';
    const problem = statusCode === 200 ? null : `HTTP ${statusCode}`;
    if (problem !== null || !Object.values(TYPES).flat().includes(type)) {
      await body.dump();
      throw problem === null ? new PullFailed('wrong type', type) : new PullFailed('unreachable', problem);
    }
    const hash = createHash('sha256');
    const reader = new VideoReader();
    const kept: Buffer[] = [];
    let size = 0;
    for await (const part of body) {
      const bytes: Buffer = part;
      size += bytes.length;
      if (size > maxBytes) throw new PullFailed('too large', `more than ${maxBytes} bytes`);
      hash.update(bytes);
      if (kind === 'video') reader.push(bytes);
      else kept.push(bytes);
    }
    if (size === 0) throw new PullFailed('unreachable', 'no bytes');
    const image = kind === 'image' ? imageFacts(Buffer.concat(kept)) : null;
    return { url, size, sha256: hash.digest('hex'), image, video: kind === 'video' ? reader.facts() : null };
  }

  return { pull, close: () => agent.destroy() };
}
export type Puller = ReturnType<typeof createPuller>;

/** A URL that Meta would fetch: absolute, http or https, US-ASCII only (instagram-facts 1.4). */
export function isMediaUrl(text: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return false;
  return ['http:', 'https:'].includes(new URL(text).protocol);
}
