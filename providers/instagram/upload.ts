import { ProviderError } from '../errors.ts';
import { http } from '../http.ts';
import { record, text, tryParse } from '../json.ts';
import { type Containers, standing } from '../meta/containers.ts';
import { lostAnswer } from '../meta/errors.ts';
import { callGraph } from '../meta/graph.ts';
import type { Transfer } from '../provider.ts';
import { INSTAGRAM } from './client.ts';

/** The bytes, and the token with them, only go to the host of the settings. */
export function uploadUri(uploadUrl: string, uri: string | null): string {
  if (uri !== null && (URL.parse(uri)?.href ?? '').startsWith(`${new URL(uploadUrl).origin}/`)) return uri;
  throw new ProviderError({
    provider: 'instagram',
    kind: 'rejected',
    code: 'upload_host_refused',
    message: 'Instagram named an upload host that INSTAGRAM_UPLOAD_URL does not allow',
    userMessage:
      'The video could not be sent safely. Nothing was published. The operator has to check INSTAGRAM_UPLOAD_URL.',
  });
}

/** A file of up to 300 MB on a slow line. */
const UPLOAD_MS = 30 * 60_000;

/** Resumable upload (sheet section 4.2). Whether it can go on in the middle is not confirmed: it begins again. */
export function createTransfer(containers: Containers): Transfer {
  return {
    needsToken: true,
    chunks: (size) => [{ first: 0, last: size - 1 }],

    async sendChunk(context, { total, secret, body }) {
      const { accessToken, signal, publishId } = context;
      const answer = await http({
        method: 'POST',
        url: secret,
        headers: {
          authorization: `OAuth ${accessToken}`,
          offset: '0',
          file_size: String(total),
          'content-length': String(total),
          'content-type': 'application/octet-stream',
        },
        body,
        signal,
        totalMs: UPLOAD_MS,
      }).catch((error: unknown): never => {
        throw lostAnswer(INSTAGRAM, error, 'read');
      });
      const said = record(tryParse(answer.text));
      if (answer.status < 300 && said?.['success'] === true) return 'complete';
      if (answer.status === 404) return 'expired';
      const error = uploadError(answer.status, record(said?.['debug_info']));
      if (error.kind !== 'rejected' || publishId === null) throw error;
      // It may have taken the bytes before, when its answer was lost, or have ended.
      switch ((await standing(containers, context, publishId)).status) {
        case 'FINISHED':
        case 'PUBLISHED':
        case 'ERROR':
          return 'complete';
        case 'EXPIRED':
          return 'expired';
        case 'IN_PROGRESS':
          throw error;
      }
    },

    async receivedBytes(context) {
      const answer = await callGraph(INSTAGRAM, {
        ...containers.call(context),
        path: `/${context.publishId ?? ''}`,
        params: { fields: 'status_code,video_status' },
        effect: 'read',
      });
      const uploading = record(record(answer['video_status'])?.['uploading_phase']);
      const complete = text(uploading?.['status']) === 'complete' || answer['status_code'] === 'FINISHED';
      return complete ? (context.media?.size ?? 0) : 0;
    },
  };
}

/** An upload host speaks otherwise than the Graph API (sheet section 4.2). */
function uploadError(status: number, debug: Readonly<Record<string, unknown>> | null): ProviderError {
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
      userMessage: 'The connection to this account has ended. Reconnect the account; the post goes out then.',
    });
  // A success that cannot be read may be one: where the upload stands tells.
  const unreadable = status < 300 && debug === null;
  if (unreadable || status >= 500 || status === 429 || debug?.['retriable'] === true)
    return new ProviderError({
      ...told,
      kind: 'unavailable',
      code: 'provider_unavailable',
      userMessage: 'Instagram does not take the video at the moment. It is tried again.',
    });
  return new ProviderError({
    ...told,
    kind: 'rejected',
    code: 'upload_refused',
    userMessage: 'Instagram refused the video’s bytes. Nothing was published.',
  });
}
