import { Type } from 'typebox';
import type { Media } from '../db/media.ts';
import { nullable, text, textOrNull, Time } from './schemas.ts';

const findings = {
  container: nullable.string,
  codec: nullable.string,
  durationMs: nullable.integer,
  width: nullable.integer,
  height: nullable.integer,
  fps: nullable.number,
  sha256: nullable.string,
};

export const MediaView = Type.Object(
  {
    id: Type.String(),
    filename: Type.String(),
    contentType: Type.String(),
    size: Type.Integer(),
    state: Type.Enum(['uploading', 'ready', 'rejected', 'expired']),
    rejectedReason: nullable.string,
    uploadUrl: Type.String({ description: 'tus 1.0; needs the bearer token.' }),
    ...findings,
    probed: Type.Union([Type.Object(findings), Type.Null()], {
      description: 'The results of probing; null until the file is `ready`.',
    }),
    uploadedAt: nullable.time,
    expiresAt: Type.String({
      format: 'date-time',
      description: 'When an incomplete upload expires.',
    }),
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: 'Media' },
);

const uploadPath = (id: string): string => `/api/media/${id}/upload`;

/** A file as clients see it. */
export function mediaView(media: Media, publicUrl: string) {
  const { container, codec, durationMs, width, height, fps, sha256 } = media;
  const found = { container, codec, durationMs, width, height, fps, sha256 };
  return {
    id: media.id,
    filename: media.filename,
    contentType: media.contentType,
    size: media.size,
    state: media.state,
    rejectedReason: media.rejectedReason,
    uploadUrl: `${publicUrl}${uploadPath(media.id)}`,
    ...found,
    probed: media.state === 'ready' ? found : null,
    uploadedAt: textOrNull(media.uploadedAt),
    expiresAt: text(media.expiresAt),
    createdAt: text(media.createdAt),
    updatedAt: text(media.updatedAt),
  };
}
