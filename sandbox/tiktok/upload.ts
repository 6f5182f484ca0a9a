import { createHash, type Hash } from 'node:crypto';
import { bytesOf, ClientGone, drain, Refusal, type Call, type Reply, type Route } from '../core/http.ts';
import type { TikTok } from './context.ts';
import { bytesComplete, isFinal } from './lifecycle.ts';
import type { Publish } from './state.ts';

const CONTENT_TYPES = ['video/mp4', 'video/quicktime', 'video/webm'];

type Upload = NonNullable<Publish['upload']>;

interface Range {
  first: number;
  last: number;
}

/** tiktok-facts 4.7. Bytes are hashed and counted, never kept: memory stays flat for 4 GB. */
export function uploadRoutes(tiktok: TikTok): Route[] {
  const hashes = new Map<string, Hash>();

  function find({ url }: Call): { publish: Publish; upload: Upload } {
    const id = url.searchParams.get('upload_id');
    for (const publish of Object.values(tiktok.state.publishes)) {
      const { upload } = publish;
      if (upload?.id !== id || upload.token !== url.searchParams.get('upload_token')) continue;
      if (publish.status === 'FAILED') break;
      if (upload.expiresAt <= tiktok.core.clock.now()) throw new Refusal({ status: 403 });
      return { publish, upload };
    }
    throw new Refusal({ status: 404 });
  }

  function progress({ received, upload }: Publish): Record<string, string> {
    const mark = tiktok.options.uploadRangeMeans === 'last' ? Math.max(received - 1, 0) : received;
    return { 'content-range': `bytes 0-${mark}/${upload?.videoSize}` };
  }

  function checkRange(call: Call, publish: Publish, upload: Upload): Range {
    if (!CONTENT_TYPES.includes(call.headers['content-type'] ?? '')) bad();
    const [, first, last, total] =
      /^bytes (\d+)-(\d+)\/(\d+)$/.exec(call.headers['content-range'] ?? '') ?? [];
    if (first === undefined || last === undefined || Number(total) !== upload.videoSize) return bad();
    const range = { first: Number(first), last: Number(last) };
    if (Number(call.headers['content-length'] ?? NaN) !== range.last - range.first + 1) bad();
    if (range.first !== publish.received) {
      const accepted = upload.chunks.some(
        (chunk) => chunk.first === range.first && chunk.last === range.last,
      );
      const status = accepted ? tiktok.options.reputAccepted : 416;
      throw new Refusal({ status, headers: progress(publish) });
    }
    // The remainder is merged into the last chunk (tiktok-facts 4.6).
    const isLast = upload.chunks.length === upload.chunkCount - 1;
    const expected = isLast ? upload.videoSize - 1 : range.first + upload.chunkSize - 1;
    if (range.last !== expected) bad();
    return range;
  }

  function hashSoFar(publish: Publish): Hash | undefined {
    return publish.received === 0 ? createHash('sha256') : hashes.get(publish.id)?.copy();
  }

  async function put(call: Call): Promise<Reply> {
    try {
      const { publish, upload } = find(call);
      return await receive(call, publish, upload, checkRange(call, publish, upload));
    } catch (error) {
      if (error instanceof Refusal) await drain(call.incoming);
      throw error;
    }
  }

  async function receive(call: Call, publish: Publish, upload: Upload, range: Range): Promise<Reply> {
    const hash = hashSoFar(publish);
    await take(call, hash);
    // Another request sent this chunk meanwhile, or the publish ended.
    if (publish.received !== range.first) return { status: 416, headers: progress(publish) };
    if (isFinal(publish)) return { status: 404 };
    publish.received = range.last + 1;
    upload.chunks.push(range);
    upload.contentType = call.headers['content-type'] ?? null;
    if (hash !== undefined) hashes.set(publish.id, hash);
    if (publish.received < upload.videoSize) return { status: 206, headers: progress(publish) };
    publish.sha256 = hash?.digest('hex') ?? null;
    hashes.delete(publish.id);
    bytesComplete(tiktok, publish);
    return { status: 201, headers: progress(publish) };
  }

  return [
    { method: 'PUT', path: '/upload/', endpoint: 'upload', streams: true, handle: put },
    { method: 'PUT', path: '/upload', endpoint: 'upload', streams: true, handle: put },
  ];
}

/** A chunk counts only when it is complete: until then its bytes go into a copy of the running hash. */
async function take({ incoming, fault }: Call, hash: Hash | undefined): Promise<void> {
  const breakAt = fault?.kind === 'drop-mid' ? fault.afterBytes : Infinity;
  let seen = 0;
  try {
    for await (const part of bytesOf(incoming)) {
      seen += part.length;
      if (seen >= breakAt) throw new Error('fault: dropped');
      hash?.update(part);
    }
  } catch (error) {
    throw new ClientGone(`the connection broke after ${seen} bytes of the chunk`, { cause: error });
  }
}

function bad(): never {
  throw new Refusal({ status: 400 });
}
