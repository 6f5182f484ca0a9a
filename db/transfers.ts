import { and, eq, notInArray, sql, type SQL } from 'drizzle-orm';
import type { Db } from './client.ts';
import { savePost } from './post-progress.ts';
import { changed } from './posts.ts';
import { FINAL_STATES, posts, type PostState, publishAttempts } from './schema.ts';

/* The progress of a post's files on their way to its provider. */

/** The write that opened the upload of a file. */
export interface Place {
  postId: string;
  attemptId: string;
}

/** The provider's reference of a part that has arrived. */
export interface PartRef {
  /** The position of its first byte. */
  first: number;
  reference: string;
}

/**
 * Records the progress of a file, and of the post as a whole, in one statement.
 * @param progress other changes to the post
 */
export async function noteSent(
  db: Db,
  place: Place,
  { bytes, part }: { bytes: number; part?: PartRef | undefined },
  { state, phase }: { state?: PostState; phase?: string | null } = {},
): Promise<void> {
  await db.execute(sql`
    with noted as (
      update publish_attempts set sent_bytes = ${bytes}${part === undefined ? NOTHING : sql`, part_refs = ${withPart(part)}`}
      where id = ${place.attemptId})
    update posts set sent_bytes = ${bytes}::bigint + coalesce(${sentElsewhere(place)}, 0)
      ${state === undefined ? NOTHING : sql`, state = ${state}`}
      ${phase === undefined ? NOTHING : sql`, phase = ${phase}, waiting = null`}
      , version = version + 1, updated_at = now()
    where ${isOpen(place.postId)}`);
}

const NOTHING = sql``;

/** Records what the provider made of a file that has arrived. */
export async function noteMade(
  db: Db,
  { postId, attemptId }: Place,
  { publishId, partId, providerPostId }: { publishId?: string; partId?: string; providerPostId?: string },
): Promise<void> {
  const providerRef = publishId ?? partId ?? providerPostId;
  if (providerRef === undefined) return;
  await db.update(publishAttempts).set({ providerRef }).where(eq(publishAttempts.id, attemptId));
  if (publishId !== undefined) await savePost(db, postId, { publishId });
}

/** Bytes sent to an upload that is gone no longer count. Files sent to other uploads stay sent. */
export async function forgetSent(db: Db, place: Place): Promise<void> {
  await db
    .update(posts)
    .set({ sentBytes: sentElsewhere(place), ...changed })
    .where(isOpen(place.postId));
}

const withPart = ({ first, reference }: PartRef): SQL =>
  sql`coalesce(part_refs, '{}'::jsonb) || ${JSON.stringify({ [first]: reference })}::jsonb`;

/** How many bytes of the other files have arrived; null: nothing was sent. */
const sentElsewhere = ({ postId, attemptId }: Place): SQL =>
  sql`(select sum(sent_bytes)::bigint from publish_attempts
    where post_id = ${postId} and status = 'accepted' and id <> ${attemptId})`;

const isOpen = (postId: string) => and(eq(posts.id, postId), notInArray(posts.state, [...FINAL_STATES]));
