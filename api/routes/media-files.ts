import type { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findAnyMedia } from '../../db/media.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { Id, refusals } from '../schemas.ts';
import { HOUR } from '../../durations.ts';

const LinkQuery = Type.Object(
  { expires: Type.String({ maxLength: 20 }), signature: Type.String({ maxLength: 100 }) },
  { additionalProperties: false },
);

/** Enough for 1 GB on a slow line. */
const FETCH_MS = HOUR;
const fileBody = (description: string) =>
  Type.Unsafe<Readable>({ type: 'string', contentMediaType: 'application/octet-stream', description });

/** Where providers fetch our files: by a signed link that expires, without a key or a redirect. */
export const mediaFileRoutes =
  ({ database: { db }, media: store, mediaLinks }: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      '/media/:id/file',
      {
        config: { access: 'public', rateLimit: false },
        handlerTimeout: FETCH_MS,
        schema: {
          operationId: 'fetchMedia',
          summary: 'For providers: the bytes of a file, by a signed link',
          tags: ['media'],
          params: Id,
          querystring: LinkQuery,
          response: {
            200: fileBody('The file.'),
            206: fileBody('The requested range of the file.'),
            ...refusals(404, 416),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const { expires, signature } = request.query;
        // An expired or forged link reveals nothing about the file.
        if (!mediaLinks.isValid(id, expires, signature)) throw apiError('not_found');
        const media = await findAnyMedia(db, id);
        if (media?.state !== 'ready' || media.deletedAt !== null) throw apiError('not_found');
        await store.require();
        const { size } = media;
        const part = rangeOf(request.headers.range, size);
        if (part === null) {
          void reply.header('content-range', `bytes */${size}`);
          throw apiError('range_not_satisfiable');
        }
        const { start, end, partial } = part;
        void reply
          .type(media.contentType)
          .header('accept-ranges', 'bytes')
          .header('cache-control', 'private, max-age=3600')
          .header('content-length', end - start + 1)
          .serializer((bytes: unknown) => String(bytes));
        if (partial) void reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
        return reply.send(store.read(media.storageKey, { start, end }));
      },
    );
  };

/** A single range (RFC 9110 section 14.2): an unreadable one means the whole file; null if it is outside the file. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number; partial: boolean } | null {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  const unread = from === '' ? to === '' : to !== '' && Number(to) < Number(from);
  if (unread) return { start: 0, end: size - 1, partial: false };
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return start < size ? { start, end, partial: true } : null;
}
