import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { expireUpload, findMedia, type Media } from '../../db/media.ts';
import { tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { takeOver } from '../hijack.ts';
import { Id, refusals } from '../schemas.ts';
import type { Uploads } from '../uploads.ts';

const UPLOAD = '/api/media/:id/upload';
const METHODS = [
  { method: 'HEAD', operationId: 'getUploadOffset', summary: 'How much of an upload has arrived' },
  { method: 'PATCH', operationId: 'appendToUpload', summary: 'Send bytes of an upload' },
  { method: 'DELETE', operationId: 'deleteUpload', summary: 'Give an unfinished upload up' },
] as const;

/** tus 1.0 for the uploads that POST /api/media has made. Keys and tenants are checked here, the protocol is the tus server's. */
export const uploadRoutes =
  (deps: Deps, uploads: Uploads): FastifyPluginAsyncTypebox =>
  async (app) => {
    // The bytes go to the tus server as they come.
    app.addContentTypeParser('application/offset+octet-stream', async () => undefined);
    app.addHook('onRequest', async (_request, reply) => {
      void reply.header('tus-resumable', '1.0.0');
    });

    app.options(UPLOAD, { config: { access: 'public' }, schema: { hide: true } }, async (request, reply) => {
      await uploads.tus.handle(request.raw, takeOver(reply));
    });

    for (const { method, operationId, summary } of METHODS) {
      app.route({
        method,
        url: UPLOAD,
        config: { access: 'media:write', quiet: true, swagger: { exposeHeadRoute: true } },
        schema: {
          operationId,
          summary,
          description: 'As tus 1.0 says (https://tus.io/protocols/resumable-upload).',
          tags: ['media'],
          params: Id,
          response: {
            [method === 'HEAD' ? 200 : 204]: Type.Null({ description: 'As tus 1.0 says.' }),
            ...refusals(404, 409, 410, 413, 415),
          },
        },
        handler: async (request, reply) => {
          const media = await tenantMedia(deps, request, request.params.id);
          const { id, state, uploadedAt } = media;
          if (state === 'expired' || state === 'rejected')
            throw apiError('media_gone', { details: { state } });
          // The last byte came, but the server ended before it could note it.
          const unnoted = method === 'HEAD' && state === 'uploading' && uploadedAt === null;
          if (unnoted && (await uploads.isComplete(media))) await uploads.complete(media);
          // Before the file goes: whoever hears that it is gone finds it given up.
          if (method === 'DELETE' && !(await uploads.isComplete(media)))
            await expireUpload(deps.database.db, id);
          await uploads.tus.handle(request.raw, takeOver(reply));
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
