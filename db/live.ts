import { and, eq, inArray } from 'drizzle-orm';
import { showingWrites } from '../plan.ts';
import type { Db } from './client.ts';
import type { Post } from './posts.ts';
import { publishAttempts } from './schema.ts';

/** A part of a post that is visible on its own, by the step that makes it visible. */
export interface VisiblePart {
  step: string;
  live: boolean;
  /** It was sent, and the outcome is unknown. */
  unclear: boolean;
  providerPostId: string | null;
}

/** The parts of a post that are visible on their own, in order. */
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
