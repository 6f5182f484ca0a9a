import { neglectedAccounts } from '../db/accounts.ts';
import { markEventStarted, unstartedEvents } from '../db/events.ts';
import { markMediaStarted, unstartedMedia } from '../db/media.ts';
import { markPostStarted, unstartedPosts } from '../db/posts.ts';
import { forgetOldReservations } from '../db/quotas.ts';
import {
  signalDisconnect,
  signalMediaCompleted,
  startEvent,
  startKeeper,
  startMedia,
  startPost,
} from '../workflows/start.ts';
import type { Deps } from './deps.ts';

/** How many rows of each kind were found without their workflow, and given one. */
export interface Swept {
  posts: number;
  events: number;
  media: number;
  accounts: number;
}

const MOST = 500;

/** The second line behind the API: starts what was committed but never started. */
export const createSweepActivities = ({ db, temporal }: Deps) => ({
  async startUnstarted(): Promise<Swept> {
    const posts = await unstartedPosts(db, MOST);
    await each(posts, async (post) => {
      await startPost(temporal, post);
      await markPostStarted(db, post.id);
    });
    const events = await unstartedEvents(db, MOST);
    await each(events, async ({ id, provider, externalId, eventType, requestId }) => {
      await startEvent(temporal, {
        provider,
        externalId,
        input: { eventId: id },
        summary: eventType,
        requestId,
      });
      await markEventStarted(db, id);
    });
    const media = await unstartedMedia(db, MOST);
    await each(media, async (row) => {
      await (row.uploadedAt === null ? startMedia(temporal, row) : signalMediaCompleted(temporal, row));
      await markMediaStarted(db, row.id);
    });
    const accounts = await neglectedAccounts(db, MOST);
    await each(accounts, (account) =>
      account.status === 'active' ? startKeeper(temporal, account) : signalDisconnect(temporal, account),
    );
    await forgetOldReservations(db);
    return { posts: posts.length, events: events.length, media: media.length, accounts: accounts.length };
  },
});

const AT_ONCE = 10;

/** A few at a time; the first failure ends it, and the next sweep goes on. */
async function each<T>(rows: readonly T[], start: (row: T) => Promise<void>): Promise<void> {
  for (let first = 0; first < rows.length; first += AT_ONCE)
    await Promise.all(rows.slice(first, first + AT_ONCE).map(start));
}
