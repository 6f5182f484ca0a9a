import { and, eq, inArray } from 'drizzle-orm';
import { showingWrites } from '../plan.ts';
import type { Db } from './client.ts';
import type { Post, Settlement } from './posts.ts';
import { publishAttempts } from './schema.ts';

/** A part of a post that is seen on its own, by the step that shows it. */
export interface VisiblePart {
  step: string;
  live: boolean;
  /** It was sent, and what came of it is not known. */
  unclear: boolean;
  providerPostId: string | null;
}

/** The parts of a post that are seen on their own, in order. */
export async function madeVisible(db: Db, { id, plan }: Post): Promise<VisiblePart[]> {
  const steps = showingWrites(plan);
  if (steps.length === 0) return [];
  const rows = await db
    .select({
      step: publishAttempts.step,
      status: publishAttempts.status,
      ref: publishAttempts.providerRef,
    })
    .from(publishAttempts)
    .where(
      and(
        eq(publishAttempts.postId, id),
        inArray(publishAttempts.step, steps),
        inArray(publishAttempts.status, ['sent', 'accepted', 'unknown']),
      ),
    );
  return steps.map((step) => {
    const mine = rows.filter((row) => row.step === step);
    const accepted = mine.find(({ status }) => status === 'accepted');
    const live = accepted !== undefined;
    return { step, live, unclear: !live && mine.length > 0, providerPostId: accepted?.ref ?? null };
  });
}

/**
 * The true end of a post of which something is live already: it is no failure like one that left nothing behind.
 * All of it is live: it is published, whatever could not be found out about it afterwards.
 */
export function partlyLive(parts: readonly VisiblePart[], end: Settlement): Settlement {
  const live = parts.filter((part) => part.live);
  const [root] = live;
  if (root === undefined || end.state === 'published' || end.state === 'delivered') return end;
  const { providerPostId } = root;
  if (live.length === parts.length) return { state: 'published', providerPostId };
  const reason = end.error ?? null;
  const unclear = parts.some((part) => part.unclear);
  return {
    state: unclear ? 'unknown' : 'failed',
    providerPostId,
    error: {
      code: 'partly_published',
      message: `${live.length} of ${parts.length} parts are live; then: ${reason?.message ?? end.state}`,
      userMessage:
        `${live.length} of the ${parts.length} posts are live, the first ones. ` +
        (unclear
          ? 'Whether the next one is could not be found out: look at the account. '
          : 'The others were not published. ') +
        'Do not publish the whole again: answer the last one that is live with what is missing.',
      retryable: false,
      details: {
        ...reason?.details,
        live: live.map(({ step, providerPostId: id }) => ({ step, providerPostId: id })),
        missing: parts.flatMap(({ step, live: seen }) => (seen ? [] : [step])),
        reason: reason === null ? null : { code: reason.code, message: reason.message },
      },
    },
  };
}
