import { unnoticedReturns } from '../db/accounts.ts';
import { markDeletionStarted, unstartedDeletions } from '../db/deletions.ts';
import { markEventStarted, unstartedEvents } from '../db/events.ts';
import { markKeepersChecked, uncheckedKeepers, unwipedAccounts } from '../db/keepers.ts';
import { markMediaStarted, unstartedMedia } from '../db/media.ts';
import { markPostChecked, markPostStarted, postById, uncheckedPosts, unstartedPosts } from '../db/posts.ts';
import { forgetOldRows } from '../db/retention.ts';
import { isFinal } from '../db/schema.ts';
import { countRepairs } from '../metrics/counters.ts';
import {
  postRuns,
  runningKeepers,
  signalAccountChanged,
  signalDisconnect,
  signalMediaCompleted,
  signalSettled,
  startDeletion,
  startEvent,
  startKeeper,
  startMedia,
  startPost,
} from '../workflows/start.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { tidyMedia } from './media-files.ts';

/** How many of each kind were repaired. */
export interface Swept {
  /** Rows that were committed without their workflow. */
  posts: number;
  deletions: number;
  events: number;
  media: number;
  /** Accounts that somebody had to be told of: to be wiped, or connected again. */
  accounts: number;
  /** Active accounts whose keeper of tokens was gone: started again. */
  keepers: number;
  /** Open posts whose workflow was gone: started again. */
  orphans: number;
  /** Workflows whose post had ended without them: told so. */
  stragglers: number;
  /** Files that were removed: of deleted, refused and given up media. */
  files: number;
}

const MOST = 500;
/** Each costs a call to the Temporal server. */
const MOST_CHECKED = 200;
/** All of them cost one call, and one more for each that is gone. */
const MOST_KEEPERS = 200;

/** The second line behind the API and Temporal: database and workflows are made to agree again. */
export const createSweepActivities = (deps: Deps) => ({
  sweepOnce: (): Promise<Swept> =>
    alive(async () => {
      const { db, temporal } = deps;
      const posts = await unstartedPosts(db, MOST);
      await each(posts, async (post) => {
        await startPost(temporal, post);
        await markPostStarted(db, post.id);
      });
      const deletions = await unstartedDeletions(db, MOST);
      await each(deletions, async (post) => {
        await startDeletion(temporal, post);
        await markDeletionStarted(db, post.id);
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
      const keepers = await startKeepers(deps);
      const unwiped = await unwipedAccounts(db, MOST);
      await each(unwiped, (account) => signalDisconnect(temporal, account));
      const returned = await unnoticedReturns(db, MOST);
      await each(returned, (account) => signalAccountChanged(temporal, account));
      const repaired = { orphans: 0, stragglers: 0 };
      await each(await uncheckedPosts(db, MOST_CHECKED), async ({ id }) => {
        const repair = await agree(deps, id);
        if (repair !== null) repaired[repair] += 1;
      });
      await forgetOldRows(db);
      const files = await tidyMedia(deps);
      const counted = countRepairs({
        posts: posts.length,
        deletions: deletions.length,
        events: events.length,
        media: media.length,
        accounts: unwiped.length + returned.length,
        keepers,
        ...repaired,
      });
      return { ...counted, files };
    }),
});

/** Starts the keepers that are gone, of the accounts whose turn it is. @returns how many were */
async function startKeepers({ db, temporal }: Deps): Promise<number> {
  const accounts = await uncheckedKeepers(db, MOST_KEEPERS);
  if (accounts.length === 0) return 0;
  const running = await runningKeepers(temporal, accounts);
  let started = 0;
  await each(
    accounts.filter(({ id }) => !running.has(id)),
    async (account) => {
      if (await startKeeper(temporal, account)) started += 1;
    },
  );
  await markKeepersChecked(
    db,
    accounts.map(({ id }) => id),
  );
  return started;
}

/** Makes post and workflow agree, as far as they do not: both open, or both ended. */
async function agree({ db, temporal }: Deps, postId: string): Promise<'orphans' | 'stragglers' | null> {
  const runs = await postRuns(temporal, postId);
  // Read after that: a post that ends does so before its workflow.
  const post = await postById(db, postId);
  const ended = isFinal(post.state);
  if (runs && ended) await signalSettled(temporal, postId, post.state);
  // What was sent already, the attempts say: the plan goes on where it was.
  if (!runs && !ended) await startPost(temporal, post, { again: true });
  await markPostChecked(db, postId, !runs && ended);
  return runs === ended ? (runs ? 'stragglers' : 'orphans') : null;
}

const AT_ONCE = 10;

/** A few at a time; the first failure ends it, and the next sweep goes on. */
async function each<T>(rows: readonly T[], start: (row: T) => Promise<void>): Promise<void> {
  for (let first = 0; first < rows.length; first += AT_ONCE)
    await Promise.all(rows.slice(first, first + AT_ONCE).map(start));
}
