import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import type { Db } from '../../db/client.ts';
import { deleteMedia, markFileRemoved } from '../../db/media-removal.ts';
import { findMediaByKey, insertMedia, type Media } from '../../db/media.ts';
import { isTaken, mediaTypeOf } from '../../media/content-types.ts';
import { actorOf, noted, tenant } from '../access.ts';
import { hashOf } from '../canonical.ts';
import type { Deps } from '../deps.ts';
import { apiError, fieldError } from '../errors.ts';
import { IdempotencyHeaders } from '../idempotency.ts';
import { mediaView, MediaView } from '../media-view.ts';
import { Id, ref, refusals } from '../schemas.ts';
import { createUploads } from '../uploads.ts';
import { DAY } from '../../durations.ts';
import { tenantMedia, uploadRoutes } from './uploads.ts';

/** How long an upload may take, and the largest size that any platform accepts. */
const UPLOAD_MS = DAY;
const LARGEST = 4_294_967_296;

const MediaBody = Type.Object(
  {
    filename: Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\x00-\\x1f\\x7f/\\\\]+$' }),
    contentType: Type.String({
      maxLength: 255,
      description:
        'The type that a browser or library gives, with or without parameters; application/octet-stream if unknown.',
      examples: ['video/mp4'],
    }),
    size: Type.Integer({ minimum: 1, maximum: LARGEST, description: 'Bytes.' }),
  },
  { additionalProperties: false },
);

const NOT_TAKEN = {
  field: 'contentType',
  message:
    'is a type that no platform accepts; convert the file to MP4, MOV, WebM, JPEG, PNG or WebP (if you do not know its type, send application/octet-stream)',
};

const LEFT_TO_SWEEP = 'the sweep will remove the file of deleted media';

/** Files that clients upload for publishing. */
export const mediaRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    const { publicUrl } = deps.config;
    const uploads = createUploads(deps, app.log);

    app.post(
      '/api/media',
      {
        config: { access: 'media:write' },
        schema: {
          operationId: 'createMedia',
          summary: 'Start an upload',
          description:
            'Send the bytes to `uploadUrl` with any tus 1.0 client, then publish the media by its id.',
          tags: ['media'],
          headers: IdempotencyHeaders,
          body: MediaBody,
          response: { 201: ref(MediaView), ...refusals(410, 415, 422, 507) },
        },
      },
      async (request, reply) => {
        const userId = tenant(request);
        const key = request.headers['idempotency-key'] ?? null;
        const { media, replayed } = await insertOnce(db, userId, key, request);
        if (replayed) void reply.header('idempotency-replayed', 'true');
        try {
          await uploads.prepare(media);
        } catch (error) {
          request.log.error({ mediaId: media.id, userId }, 'could not create the file of an upload');
          throw error;
        }
        const view = mediaView(media, publicUrl);
        return reply.code(201).header('location', `${publicUrl}/api/media/${media.id}`).send(view);
      },
    );

    app.get(
      '/api/media/:id',
      {
        config: { access: 'media:read' },
        schema: {
          operationId: 'getMedia',
          summary: 'One file and the results of probing it',
          tags: ['media'],
          params: Id,
          response: { 200: ref(MediaView), ...refusals(404) },
        },
      },
      async (request) => mediaView(await tenantMedia(deps, request, request.params.id), publicUrl),
    );

    app.delete(
      '/api/media/:id',
      {
        config: { access: 'media:write' },
        schema: {
          operationId: 'deleteMedia',
          summary: 'Delete a file',
          description: 'In any state, unless an unfinished post needs it.',
          tags: ['media'],
          params: Id,
          response: { 204: Type.Null({ description: 'Deleted.' }), ...refusals(404, 409) },
        },
      },
      async (request, reply) => {
        const userId = tenant(request);
        const { id } = request.params;
        const deleted = await deleteMedia(db, userId, id);
        if (deleted.outcome === 'not_found') throw apiError('not_found');
        if (deleted.outcome === 'in_use')
          throw apiError('media_in_use', { details: { postIds: deleted.postIds } });
        await noted(request, db, { ...actorOf(request), action: 'media.deleted', subject: id });
        await removeFile(deps, deleted.media).catch((error: unknown) =>
          request.log.warn({ mediaId: id, userId, err: error }, LEFT_TO_SWEEP),
        );
        return reply.code(204).send(null);
      },
    );

    await app.register(uploadRoutes(deps, uploads));
  };

async function removeFile({ database: { db }, media }: Deps, { id, storageKey }: Media): Promise<void> {
  await media.remove(storageKey);
  await markFileRemoved(db, id);
}

/**
 * Stores a new file, or finds the one that the same request created.
 * @throws ApiError for a type that is not accepted, or a key that another request used
 */
async function insertOnce(
  db: Db,
  userId: string,
  idempotencyKey: string | null,
  { id: requestId, body }: { id: string; body: Static<typeof MediaBody> },
): Promise<{ media: Media; replayed: boolean }> {
  const contentType = mediaTypeOf(body.contentType);
  const refusal = fieldError(isTaken(contentType) ? [] : [NOT_TAKEN]);
  if (refusal !== null) throw refusal;
  const id = randomUUID();
  const requestHash = hashOf(body);
  const made = await insertMedia(db, {
    ...body,
    contentType,
    id,
    storageKey: id,
    userId,
    expiresAt: new Date(Date.now() + UPLOAD_MS),
    idempotencyKey,
    requestHash,
    requestId,
  });
  if (made !== null) return { media: made, replayed: false };
  const media = idempotencyKey === null ? null : await findMediaByKey(db, userId, idempotencyKey);
  if (media === null) throw new Error('media conflicted with none');
  if (media.requestHash !== requestHash) throw apiError('idempotency_key_reused');
  if (media.deletedAt !== null) throw apiError('media_gone', { details: { state: 'deleted' } });
  return { media, replayed: true };
}
