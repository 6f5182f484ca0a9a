import { sql } from 'drizzle-orm';
import { bigint, boolean, doublePrecision, index, integer, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { at, id, createdAt, updatedAt, requestId } from './columns.ts';
import { userId } from './users.ts';

export type MediaState = 'uploading' | 'ready' | 'rejected' | 'expired';

export const media = pgTable(
  'media',
  {
    id: id(),
    userId: userId(),
    filename: text('filename').notNull(),
    contentType: text('content_type').notNull(),
    size: bigint('size', { mode: 'number' }).notNull(),
    storageKey: text('storage_key').notNull().unique(),
    state: text('state').$type<MediaState>().notNull().default('uploading'),
    rejectedReason: text('rejected_reason'),
    sha256: text('sha256'),
    container: text('container'),
    codec: text('codec'),
    durationMs: integer('duration_ms'),
    fps: doublePrecision('fps'),
    /** Bits per second of the video track. */
    bitRate: bigint('bit_rate', { mode: 'number' }),
    width: integer('width'),
    height: integer('height'),
    /** Chroma subsampling of a video: `4:2:0`, ... */
    chroma: text('chroma'),
    audioCodec: text('audio_codec'),
    audioChannels: integer('audio_channels'),
    /** Hertz. */
    audioSampleRate: integer('audio_sample_rate'),
    /** Whether the index of an MP4 or MOV (`moov`) comes before the media data. */
    indexFirst: boolean('index_first'),
    /** How many times in a row a parser was started on the file and did not finish. */
    examinations: integer('examinations').notNull().default(0),
    /** When an incomplete upload expires. */
    expiresAt: at('expires_at').notNull(),
    idempotencyKey: text('idempotency_key'),
    requestHash: text('request_hash').notNull(),
    requestId: requestId(),
    /** Set when the workflow is known to run; until then the sweep starts it. */
    workflowStartedAt: at('workflow_started_at'),
    /** Set when the last byte has arrived; probing may still be under way. */
    uploadedAt: at('uploaded_at'),
    /** From then on its owner cannot see it; the row stays, because posts refer to it. */
    deletedAt: at('deleted_at'),
    /** When a useless file was removed from the store. Null: the sweep will do it. */
    fileRemovedAt: at('file_removed_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique().on(t.userId, t.id),
    unique().on(t.userId, t.idempotencyKey),
    index('media_uploading')
      .on(t.createdAt)
      .where(sql`state = 'uploading' and deleted_at is null`),
    index('media_with_useless_file')
      .on(t.updatedAt)
      .where(sql`file_removed_at is null and (deleted_at is not null or state in ('rejected', 'expired'))`),
    index('media_kept')
      .on(t.createdAt)
      .where(sql`state = 'ready' and deleted_at is null`),
  ],
);
