import { and, eq, isNull, notInArray, sql } from 'drizzle-orm';
import type { Db } from './client.ts';
import type { Post } from './posts.ts';
import { FINAL_STATES, posts } from './schema.ts';

/** Accepted posts whose workflow was never started. */
export async function unstartedPosts(db: Db, limit: number): Promise<Post[]> {
  return db
    .select()
    .from(posts)
    .where(and(isNull(posts.workflowStartedAt), notInArray(posts.state, [...FINAL_STATES])))
    .orderBy(posts.createdAt)
    .limit(limit);
}

export async function markPostStarted(db: Db, id: string): Promise<void> {
  await db
    .update(posts)
    .set({ workflowStartedAt: new Date() })
    .where(and(eq(posts.id, id), isNull(posts.workflowStartedAt)));
}

/** Posts that were not compared with their workflow for ten minutes, oldest check first. */
export async function uncheckedPosts(db: Db, limit: number): Promise<Post[]> {
  const checked = sql`coalesce(${posts.workflowCheckedAt}, ${posts.workflowStartedAt})`;
  return db
    .select()
    .from(posts)
    .where(and(isNull(posts.workflowEndedAt), sql`${checked} < now() - interval '10 minutes'`))
    .orderBy(checked)
    .limit(limit);
}

/** Records that a post was compared with its workflow; `ended`: both have ended. */
export async function markPostChecked(db: Db, id: string, ended: boolean): Promise<void> {
  const now = new Date();
  await db
    .update(posts)
    .set({ workflowCheckedAt: now, ...(ended ? { workflowEndedAt: now } : {}), updatedAt: posts.updatedAt })
    .where(eq(posts.id, id));
}
