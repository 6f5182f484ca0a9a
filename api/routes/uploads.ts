import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { findMedia, type Media } from '../../db/media.ts';
import { tenant } from '../access.ts';
import { OCTETS } from '../content-types.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { Id, refusals } from '../schemas.ts';
import type { Uploads } from '../uploads.ts';

const TUS_VERSION = '1.0.0';
const UPLOAD = '/api/media/:id/upload';
const METHODS = [
  { method: 'HEAD', operationId: 'getUploadOffset', summary: 'How many bytes of an upload have arrived' },
  { method: 'PATCH', operationId: 'appendToUpload', summary: 'Send bytes of an upload' },
  { method: 'DELETE', operationId: 'deleteUpload', summary: 'Abandon an unfinished upload' },
] as const;

/**
 * tus 1.0 for the uploads that POST /api/media created. Keys and tenants are checked here; the tus server handles the
 * protocol.
 */
export const uploadRoutes =
  (deps: Deps, uploads: Uploads): FastifyPluginAsyncTypebox =>
  async (app) => {
    // The bytes are streamed to the tus server.
    app.addContentTypeParser(OCTETS, async () => undefined);
    app.addHook('onRequest', async (_request, reply) => {
      void reply.header('tus-resumable', TUS_VERSION);
    });

    app.options(UPLOAD, { config: { access: 'public' }, schema: { hide: true } }, async (request, reply) => {
      await uploads.describe(request, reply);
    });

    for (const { method, operationId, summary } of METHODS) {
      app.route({
        method,
        url: UPLOAD,
        config: { access: 'media:write', quiet: true, swagger: { exposeHeadRoute: true } },
        schema: {
          operationId,
          summary,
          description:
            'As specified by tus 1.0 (https://tus.io/protocols/resumable-upload). Errors of the protocol itself (wrong or missing `Upload-Offset`, bytes beyond the end) are plain text.',
          tags: ['media'],
          params: Id,
          response: {
            [method === 'HEAD' ? 200 : 204]: Type.Null({ description: 'As specified by tus 1.0.' }),
            ...refusals(404, 409, 410, 412, 413, 415),
          },
        },
        handler: async (request, reply) => {
          if (request.headers['tus-resumable'] !== TUS_VERSION) {
            void reply.header('tus-version', TUS_VERSION);
            throw apiError('tus_version_required');
          }
          const media = await tenantMedia(deps, request, request.params.id);
          const { state, uploadedAt } = media;
          if (state === 'expired' || state === 'rejected')
            throw apiError('media_gone', { details: { state } });
          // The last byte arrived, but the server stopped before it could record that.
          const unnoted = method === 'HEAD' && state === 'uploading' && uploadedAt === null;
          if (unnoted && (await uploads.isComplete(media))) await uploads.complete(media);
          await uploads.answer(request, reply, media);
        },
      });
    }
  };

/** @throws ApiError `not_found` */
export async function tenantMedia(
  { database: { db } }: Deps,
  request: FastifyRequest,
  id: string,
): Promise<Media> {
  const media = await findMedia(db, tenant(request), id);
  if (media === null) throw apiError('not_found');
  return media;
}
