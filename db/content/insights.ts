import { and, desc, eq, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { after, type Page } from '../page.ts';
import { accountInsights, mediaInsights } from '../schema.ts';

/** Which numbers a list shows; what is null does not limit it. */
export interface InsightFilter {
  metric: string | null;
  since: Date | null;
}

export type MediaInsight = typeof mediaInsights.$inferSelect;

/** The numbers of one media, the newest first. @param mediaId the provider's id */
export async function listMediaInsights(
  db: Db,
  { accountId, mediaId }: { accountId: string; mediaId: string },
  { metric, since }: InsightFilter,
  page: Page,
): Promise<MediaInsight[]> {
  const columns = mediaInsights;
  return db
    .select()
    .from(mediaInsights)
    .where(
      and(
        eq(columns.oauthAccountId, accountId),
        eq(columns.subjectId, mediaId),
        metric === null ? undefined : eq(columns.metric, metric),
        since === null ? undefined : sql`${columns.takenAt} >= ${since.toISOString()}::timestamptz`,
        after(page, columns.takenAt, columns.id),
      ),
    )
    .orderBy(desc(columns.takenAt), desc(columns.id))
    .limit(page.limit + 1);
}

export type AccountInsight = typeof accountInsights.$inferSelect;

/** Values of a lifetime hold now: they come before those of all days, and a new read does not move them. */
const LIFETIME = new Date('9999-01-01T00:00:00Z');

/** The time by which an account's numbers are ordered. */
export const placeOf = ({ endTime }: AccountInsight): Date => endTime ?? LIFETIME;

/** The numbers of an account, the newest first. */
export async function listAccountInsights(
  db: Db,
  accountId: string,
  { metric, since }: InsightFilter,
  { cursor, limit }: Page,
): Promise<AccountInsight[]> {
  const columns = accountInsights;
  const place = sql`coalesce(${columns.endTime}, ${LIFETIME.toISOString()}::timestamptz)`;
  return db
    .select()
    .from(accountInsights)
    .where(
      and(
        eq(columns.oauthAccountId, accountId),
        metric === null ? undefined : eq(columns.metric, metric),
        since === null ? undefined : sql`${place} >= ${since.toISOString()}::timestamptz`,
        // Days end at whole seconds: a cursor's milliseconds are exact.
        cursor === null
          ? undefined
          : sql`(${place}, ${columns.id}) < (${cursor.at.toISOString()}::timestamptz, ${cursor.id}::uuid)`,
      ),
    )
    .orderBy(desc(place), desc(columns.id))
    .limit(limit + 1);
}
