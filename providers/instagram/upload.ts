import { ProviderError } from '../errors.ts';
import { http } from '../http.ts';
import { record, text, tryParse } from '../json.ts';
import { type Containers, standing } from '../meta/containers.ts';
import { lostAnswer } from '../meta/errors.ts';
import { measured } from '../measured.ts';
import { callGraph } from '../meta/graph.ts';
import type { Delivery, PostContext, Sent, Transfer } from '../publishing.ts';
import { MINUTE } from '../../durations.ts';
import { INSTAGRAM, VERSION } from './client.ts';

/**
 * The upload URL of a container. The token goes along, so only the host of the settings counts, not the host that the
 * answer names.
 */
export function uploadUri(uploadUrl: string, made: { id: string; uploadUri: string | null }): string {
  const named = made.uploadUri === null ? null : URL.parse(made.uploadUri);
  return named?.origin === new URL(uploadUrl).origin
    ? named.href
    : `${uploadUrl}/ig-api-upload/${VERSION}/${made.id}`;
}

/** Enough for 300 MB on a slow line. */
const UPLOAD_MS = 30 * MINUTE;

/** Resumable upload (instagram-facts 4.2). Nothing confirms that it can resume in the middle, so it starts over. */
export function createTransfer(containers: Containers): Transfer {
  return {
    needsToken: true,
    chunks: (size) => [{ first: 0, last: size - 1 }],

    async sendChunk(context, file, { body }) {
      const { publishId } = context;
      try {
        return await measured('instagram', 'upload', () => send(context, file, body));
      } catch (error) {
        if (!(error instanceof ProviderError) || error.kind !== 'rejected' || publishId === null) throw error;
        // An earlier upload, whose answer was lost, may have delivered the bytes; or the container has ended.
        switch ((await standing(containers, context, publishId)).status) {
          case 'FINISHED':
          case 'PUBLISHED':
          case 'ERROR':
            return { kind: 'complete' };
          case 'EXPIRED':
            return { kind: 'expired' };
          case 'IN_PROGRESS':
            throw new ProviderError({ ...error.init, ...MOMENT });
        }
      }
    },

    async received(context, { size }) {
      const answer = await callGraph(INSTAGRAM, {
        ...containers.call(context),
        path: `/${context.publishId ?? ''}`,
        params: { fields: 'status_code,video_status' },
        effect: 'read',
      });
      const video = record(answer['video_status']);
      const complete =
        COMPLETE.test(phase(video, 'uploading_phase')) ||
        BEGUN.test(phase(video, 'processing_phase')) ||
        answer['status_code'] === 'FINISHED';
      return { bytes: complete ? size : 0 };
    },
  };
}

/** Sends the whole file in one request. */
async function send(
  { accessToken, signal }: PostContext,
  { size, secret }: Delivery,
  body: AsyncIterable<Uint8Array>,
): Promise<Sent> {
  const answer = await http({
    method: 'POST',
    url: secret,
    headers: {
      authorization: `OAuth ${accessToken}`,
      offset: '0',
      file_size: String(size),
      'content-length': String(size),
      'content-type': 'application/octet-stream',
    },
    body,
    signal,
    totalMs: UPLOAD_MS,
  }).catch((error: unknown): never => {
    throw lostAnswer(INSTAGRAM, error, 'read');
  });
  const said = record(tryParse(answer.text));
  if (answer.status < 300 && said?.['success'] === true) return { kind: 'complete' };
  if (answer.status === 404) return { kind: 'expired' };
  throw uploadError(answer.status, said);
}

/**
 * A refusal while the container says nothing yet may mean that Instagram is still processing bytes from an earlier
 * upload.
 */
const MOMENT = { kind: 'unavailable', retryAfterMs: 10_000, tries: 12 } as const;

/** The words of a phase are not documented (instagram-facts 4.2). */
const COMPLETE = /^(complete|finished|success)/i;
const BEGUN = /^(in_?progress|processing|complete|finished|success)/i;

/** The status of a video's phase, or the word itself. */
function phase(video: Readonly<Record<string, unknown>> | null, name: string): string {
  return text(record(video?.[name])?.['status']) ?? text(video?.[name]) ?? '';
}

/** The upload host has its own error format (instagram-facts 4.2). */
function uploadError(status: number, said: Readonly<Record<string, unknown>> | null): ProviderError {
  const debug = record(said?.['debug_info']);
  const message = text(debug?.['message']);
  const told = {
    provider: 'instagram',
    message: `Instagram answered the upload with ${status}`,
    providerCode: text(debug?.['type']) ?? String(status),
    providerMessage: message,
  } as const;
  if (status === 401 || /unauthorized/i.test(message ?? ''))
    return new ProviderError({
      ...told,
      kind: 'token',
      code: 'access_token_invalid',
      userMessage:
        'The connection to this account has ended. Reconnect the account and the post will be published.',
    });
  // An unreadable success may be a success: the upload's offset will show.
  const unreadable = status < 300 && said === null;
  if (unreadable || status >= 500 || status === 429 || debug?.['retriable'] === true)
    return new ProviderError({
      ...told,
      kind: 'unavailable',
      code: 'provider_unavailable',
      userMessage: 'Instagram does not accept the video at the moment. Everpost will try again.',
    });
  return new ProviderError({
    ...told,
    kind: 'rejected',
    code: 'upload_refused',
    userMessage: 'Instagram rejected the uploaded video. Nothing was published.',
  });
}
