import { createHash, type Hash } from 'node:crypto';
import {
  bytesOf,
  ClientGone,
  drain,
  json,
  Refusal,
  type Call,
  type Reply,
  type Route,
} from '../core/http.ts';
import { graphErrorBody } from '../meta/errors.ts';
import { isMediaUrl } from '../meta/pull.ts';
import { VideoReader } from '../meta/video-facts.ts';
import { accountFor, type Access, type CheckAccess } from './access.ts';
import { containerNow, type Instagram } from './context.ts';
import { maxVideoBytes } from './media-rules.ts';
import { processSoon, videoComes } from './processing.ts';
import type { Container } from './state.ts';

type Upload = NonNullable<Container['upload']>;

interface Reading {
  hash: Hash;
  video: VideoReader;
}

/** instagram-facts 4.2: rupload.facebook.com. Bytes are hashed and inspected as they arrive, never kept. */
export function uploadRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const readings = new Map<string, Reading>();

  function find(call: Call): { container: Container; upload: Upload } {
    const granted = authorized(call);
    const container = instagram.state.containers[call.params['id'] ?? ''];
    if (container === undefined || container.upload === null) return refuse('unknown upload', false);
    try {
      accountFor(instagram, granted, container.accountId);
    } catch {
      refuse('unauthorized user request', false, 401);
    }
    if (containerNow(instagram, container).status !== 'IN_PROGRESS')
      return refuse('the container is closed', false);
    return { container, upload: container.upload };
  }

  function authorized(call: Call): Access {
    try {
      return access.uploader(call);
    } catch {
      return refuse('unauthorized user request', false, 401);
    }
  }

  async function post(call: Call): Promise<Reply> {
    try {
      const { container, upload } = find(call);
      if (upload.complete) refuse('the upload is complete already', false);
      const fileUrl = call.headers['file_url'];
      if (typeof fileUrl === 'string') return await byUrl(call, container, upload, fileUrl);
      return await receive(call, container, upload, sizeOf(call, container, upload));
    } catch (error) {
      if (error instanceof Refusal) await drain(call.incoming);
      throw error;
    }
  }

  async function receive(call: Call, container: Container, upload: Upload, size: number): Promise<Reply> {
    upload.size = size;
    const fresh = { hash: createHash('sha256'), video: new VideoReader() };
    // After a restart of the sandbox, the start of the file is no longer known.
    const reading = upload.received === 0 ? fresh : readings.get(container.id);
    if (reading !== undefined) readings.set(container.id, reading);
    await take(call, upload, reading);
    if (upload.received !== size) return refuse('another request wrote to this upload', true);
    upload.complete = true;
    readings.delete(container.id);
    const sha256 = reading?.hash.digest('hex') ?? null;
    container.files.push({ url: null, size, sha256 });
    if (reading === undefined) processSoon(instagram, container);
    else videoComes(instagram, container, reading.video.facts());
    return uploaded();
  }

  /** Whether the bytes before a break count is UNCONFIRMED (instagram-facts 4.2). */
  async function take(
    { incoming, fault }: Call,
    upload: Upload,
    reading: Reading | undefined,
  ): Promise<void> {
    const breakAt = fault?.kind === 'drop-mid' ? fault.afterBytes : Infinity;
    let seen = 0;
    try {
      for await (const part of bytesOf(incoming)) {
        const bytes = part.subarray(0, breakAt - seen);
        seen += bytes.length;
        upload.received += bytes.length;
        reading?.hash.update(bytes);
        reading?.video.push(bytes);
        if (seen >= breakAt) throw new Error('fault: dropped');
      }
    } catch (error) {
      if (instagram.options.uploadResume === 'restart') upload.received = 0;
      throw new ClientGone(`the connection broke after ${seen} bytes`, { cause: error });
    }
  }

  async function byUrl(call: Call, container: Container, upload: Upload, url: string): Promise<Reply> {
    await drain(call.incoming);
    if (!isMediaUrl(url)) refuse('file_url is not a valid URL', false);
    upload.complete = true;
    container.params['video_url'] = url;
    instagram.core.jobs.at(instagram.core.clock.now(), 'instagram.pull', container.id);
    return uploaded();
  }

  /** The offset of a broken upload. */
  function ask(call: Call): Reply {
    const { upload } = find(call);
    if (instagram.options.uploadResume === 'restart') return refuse('unsupported request', false);
    return json(200, JSON.stringify({ offset: upload.received }));
  }

  const paths = ['/rupload/ig-api-upload/{version}/{id}', '/rupload/ig-api-upload/{id}'];
  const shared = { endpoint: 'instagram.upload', errorBody: graphErrorBody };
  return paths.flatMap((path) => [
    { method: 'POST', path, ...shared, streams: true, handle: post },
    { method: 'GET', path, endpoint: 'instagram.upload_offset', errorBody: graphErrorBody, handle: ask },
  ]);
}

/** One request brings the whole rest of the file. It must start at the upload's offset, or at 0. */
function sizeOf({ headers }: Call, container: Container, upload: Upload): number {
  const size = numberIn(headers['file_size']);
  const offset = numberIn(headers['offset']);
  if (size === null || size === 0 || offset === null)
    return refuse('offset and file_size are required', false);
  if (size > maxVideoBytes(container.kind)) refuse('the file is too large', false);
  if (upload.size !== null && upload.size !== size) refuse('file_size has changed', false);
  if (offset !== 0 && offset !== upload.received) refuse(`the offset must be ${upload.received}`, true);
  if (Number(headers['content-length'] ?? NaN) !== size - offset) {
    refuse('the body is not the rest of the file', true);
  }
  if (offset === 0) upload.received = 0;
  return size;
}

function numberIn(header: string | string[] | undefined): number | null {
  return typeof header === 'string' && /^\d+$/.test(header) ? Number(header) : null;
}

function uploaded(): Reply {
  return json(200, JSON.stringify({ success: true, message: 'Upload successful.' }));
}

/** The error shape of this host, with JSON inside JSON (instagram-facts 4.2). */
function refuse(message: string, retriable: boolean, status = 400): never {
  const inner = JSON.stringify({ success: false, error: { message } });
  const debug_info = { retriable, type: 'ProcessingFailedError', message: inner };
  throw new Refusal(json(status, JSON.stringify({ debug_info })));
}
