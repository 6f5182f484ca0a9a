import type { Db } from '../../db/client.ts';
import { noteMovedCounts } from '../../db/sync/subjects.ts';
import { COMMENT_COUNTS, type Insight } from '../../reading.ts';
import type { Reader } from './reader.ts';

/** A platform whose lists do not count comments may do so with the numbers of a media. */
export async function noteComments(
  tx: Db,
  { reading, account }: Reader,
  id: string,
  insights: readonly Insight[],
): Promise<void> {
  const count = insights.find(({ metric, breakdown }) => breakdown === '' && COMMENT_COUNTS.includes(metric));
  if (count === undefined) return;
  for (const { name, holds } of reading.streams)
    if (holds === 'comments')
      await noteMovedCounts(tx, account.id, name, [{ id, comments: count.value, due: true }]);
}
