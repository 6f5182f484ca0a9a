import { unnoticedReturns } from '../db/accounts.ts';
import {
  markDeletionsChecked,
  markDeletionStarted,
  uncheckedDeletions,
  unstartedDeletions,
} from '../db/deletions.ts';
import {
  markEventsStarted,
  markEventStarted,
  type StoredEvent,
  uncheckedEvents,
  unstartedEvents,
} from '../db/events.ts';
import { markKeepersChecked, uncheckedKeepers, unwipedAccounts } from '../db/keepers.ts';
import { markMediaStarted, unstartedMedia } from '../db/media.ts';
import { postById } from '../db/posts.ts';
import { markPostChecked, markPostStarted, uncheckedPosts, unstartedPosts } from '../db/post-workflows.ts';
import { forgetOldRows } from '../db/retention.ts';
import { isFinal } from '../db/schema.ts';
import { countRepairs } from '../metrics/counters.ts';
import type { Swept } from '../temporal/contract.ts';
import { restartDeletion, startDeletion } from '../temporal/deletions.ts';
import { type EventRow, restartEvent, startEvent } from '../temporal/events.ts';
import { signalAccountChanged, signalDisconnect, startKeeper } from '../temporal/keepers.ts';
import { signalMediaCompleted, startMedia } from '../temporal/media.ts';
import { deletionWorkflowId, eventWorkflowId, tokenWorkflowId } from '../temporal/names.ts';
import { postRuns, signalSettled, startPost } from '../temporal/posts.ts';
import { runningWorkflows } from '../temporal/start.ts';
import { alive } from './alive.ts';
import type { Deps } from './deps.ts';
import { rewrapSecret } from './installation.ts';
import { tidyMedia } from './media-files.ts';

const MOST = 500;
/** Each costs a call to the Temporal server. */
const MOST_CHECKED = 200;
/** All of them cost one call, and one more for each that is gone. */
const MOST_ASKED = 200;

/** The second line behind the API and Temporal: database and workflows are made to agree again. */
export const createSweepActivities = (deps: Deps) => ({
  /** Does every part, also when one fails. @throws the first failure, after the last part */
  sweepOnce: (): Promise<Swept> =>
    alive(async () => {
      const swept = { ...NOTHING };
      const failures: unknown[] = [];
      for (const part of PARTS)
        try {
          const repaired = await part(deps);
          for (const kind of KINDS) swept[kind] += repaired[kind] ?? 0;
        } catch (error) {
          failures.push(error);
        }
      if (failures.length > 0) throw failures[0];
      const { files, ...repairs } = swept;
      return { ...countRepairs(repairs), files };
    }),
});

const KINDS = [
  'posts',
  'deletions',
  'events',
  'media',
  'accounts',
  'keepers',
  'orphans',
  'stragglers',
  'files',
] as const;
const NOTHING: Swept = {
  posts: 0,
  deletions: 0,
  events: 0,
  media: 0,
  accounts: 0,
  keepers: 0,
  orphans: 0,
  stragglers: 0,
  files: 0,
};

/** What a sweep does, in this order; each says what it has repaired. */
const PARTS: readonly ((deps: Deps) => Promise<Partial<Swept>>)[] = [
  startPosts,
  startDeletions,
  startEvents,
  startUploads,
  restartDeletions,
  restartEvents,
  startKeepers,
  tellOfAccounts,
  comparePosts,
  async ({ db }) => {
    await forgetOldRows(db);
    return {};
  },
  async (deps) => ({ files: await tidyMedia(deps) }),
  async (deps) => {
    await rewrapSecret(deps);
    return {};
  },
];

async function startPosts({ db, temporal }: Deps) {
  const posts = await unstartedPosts(db, MOST);
  await each(posts, async (post) => {
    await startPost(temporal, post);
    await markPostStarted(db, post.id);
  });
  return { posts: posts.length };
}

async function startDeletions({ db, temporal }: Deps) {
  const deletions = await unstartedDeletions(db, MOST);
  await each(deletions, async (post) => {
    await startDeletion(temporal, post);
    await markDeletionStarted(db, post.id);
  });
  return { deletions: deletions.length };
}

async function startEvents({ db, temporal }: Deps) {
  const events = await unstartedEvents(db, MOST);
  await each(events, async (event) => {
    await startEvent(temporal, eventRow(event));
    await markEventStarted(db, event.id);
  });
  return { events: events.length };
}

const eventRow = ({ id, provider, externalId, eventType, requestId }: StoredEvent): EventRow => ({
  provider,
  externalId,
  input: { eventId: id },
  summary: eventType,
  requestId,
});

async function restartDeletions({ db, temporal }: Deps) {
  const posts = await uncheckedDeletions(db, MOST_ASKED);
  const deletions = await startLost(
    temporal,
    posts,
    ({ id }) => deletionWorkflowId(id),
    (post) => restartDeletion(temporal, post),
    (ids) => markDeletionsChecked(db, ids),
  );
  return { deletions };
}

async function restartEvents({ db, temporal }: Deps) {
  const rows = await uncheckedEvents(db, MOST_ASKED);
  const events = await startLost(
    temporal,
    rows,
    ({ provider, externalId }) => eventWorkflowId(provider, externalId),
    (event) => restartEvent(temporal, eventRow(event)),
    (ids) => markEventsStarted(db, ids),
  );
  return { events };
}

async function startUploads({ db, temporal }: Deps) {
  const media = await unstartedMedia(db, MOST);
  await each(media, async (row) => {
    await (row.uploadedAt === null ? startMedia(temporal, row) : signalMediaCompleted(temporal, row));
    await markMediaStarted(db, row.id);
  });
  return { media: media.length };
}

async function tellOfAccounts({ db, temporal }: Deps) {
  const unwiped = await unwipedAccounts(db, MOST);
  await each(unwiped, (account) => signalDisconnect(temporal, account));
  const returned = await unnoticedReturns(db, MOST);
  await each(returned, (account) => signalAccountChanged(temporal, account));
  return { accounts: unwiped.length + returned.length };
}

async function comparePosts(deps: Deps) {
  const repaired = { orphans: 0, stragglers: 0 };
  await each(await uncheckedPosts(deps.db, MOST_CHECKED), async ({ id }) => {
    const repair = await agree(deps, id);
    if (repair !== null) repaired[repair] += 1;
  });
  return repaired;
}

/** Starts the keepers that are gone, of the accounts whose turn it is. */
async function startKeepers({ db, temporal }: Deps) {
  const accounts = await uncheckedKeepers(db, MOST_ASKED);
  const keepers = await startLost(
    temporal,
    accounts,
    ({ provider, id }) => tokenWorkflowId(provider, id),
    (account) => startKeeper(temporal, account),
    (ids) => markKeepersChecked(db, ids),
  );
  return { keepers };
}

/**
 * Starts those again whose workflow is gone.
 * @param mark notes those whose workflow runs now, so that others get their turn
 * @returns how many were gone
 * @throws the first failure, after the others were started and marked
 */
async function startLost<Row extends { id: string }>(
  temporal: Deps['temporal'],
  rows: readonly Row[],
  workflowIdOf: (row: Row) => string,
  start: (row: Row) => Promise<boolean>,
  mark: (ids: string[]) => Promise<void>,
): Promise<number> {
  if (rows.length === 0) return 0;
  const running = await runningWorkflows(temporal, rows.map(workflowIdOf));
  const looked = rows.filter((row) => running.has(workflowIdOf(row))).map(({ id }) => id);
  let lost = 0;
  try {
    await each(
      rows.filter((row) => !running.has(workflowIdOf(row))),
      async (row) => {
        if (await start(row)) lost += 1;
        looked.push(row.id);
      },
    );
  } finally {
    await mark(looked);
  }
  return lost;
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

/** A few at a time, also when one fails: the next sweep tries that one again. @throws the first failure, at the end */
async function each<T>(rows: readonly T[], start: (row: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (let first = 0; first < rows.length; first += AT_ONCE)
    for (const result of await Promise.allSettled(rows.slice(first, first + AT_ONCE).map(start)))
      if (result.status === 'rejected') failures.push(result.reason);
  if (failures.length > 0) throw failures[0];
}
