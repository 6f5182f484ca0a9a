import { unnoticedReturns } from '../db/accounts.ts';
import {
  markActionsChecked,
  markActionStarted,
  uncheckedActions,
  unstartedActions,
} from '../db/comment-actions.ts';
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
import { markPostStarted, unstartedPosts } from '../db/post-workflows.ts';
import { restartAction, startAction } from '../temporal/actions.ts';
import { restartDeletion, startDeletion } from '../temporal/deletions.ts';
import { type EventRow, restartEvent, startEvent } from '../temporal/events.ts';
import { signalAccountChanged, signalDisconnect, startKeeper } from '../temporal/keepers.ts';
import { signalMediaCompleted, startMedia } from '../temporal/media.ts';
import { actionWorkflowId, deletionWorkflowId, eventWorkflowId, tokenWorkflowId } from '../temporal/names.ts';
import { startPost } from '../temporal/posts.ts';
import type { Deps } from './deps.ts';
import { forEach, startLost } from './sweep-rows.ts';

/* Starts workflows that were never started, and those that are missing. Each part counts its own. */

const MOST = 500;
/** All of them cost one call to the Temporal server, and one more for each that is missing. */
const MOST_ASKED = 200;

export async function startPosts({ db, temporal }: Deps) {
  const posts = await unstartedPosts(db, MOST);
  await forEach(posts, async (post) => {
    await startPost(temporal, post);
    await markPostStarted(db, post.id);
  });
  return { posts: posts.length };
}

export async function startDeletions({ db, temporal }: Deps) {
  const deletions = await unstartedDeletions(db, MOST);
  await forEach(deletions, async (post) => {
    await startDeletion(temporal, post);
    await markDeletionStarted(db, post.id);
  });
  return { deletions: deletions.length };
}

export async function startActions({ db, temporal }: Deps) {
  const actions = await unstartedActions(db, MOST);
  await forEach(actions, async (action) => {
    await startAction(temporal, action);
    await markActionStarted(db, action.id);
  });
  return { actions: actions.length };
}

export async function restartActions({ db, temporal }: Deps) {
  const rows = await uncheckedActions(db, MOST_ASKED);
  const actions = await startLost(
    temporal,
    rows,
    ({ id }) => actionWorkflowId(id),
    (action) => restartAction(temporal, action),
    (ids) => markActionsChecked(db, ids),
  );
  return { actions };
}

export async function startEvents({ db, temporal }: Deps) {
  const events = await unstartedEvents(db, MOST);
  await forEach(events, async (event) => {
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

export async function restartDeletions({ db, temporal }: Deps) {
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

export async function restartEvents({ db, temporal }: Deps) {
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

export async function startUploads({ db, temporal }: Deps) {
  const media = await unstartedMedia(db, MOST);
  await forEach(media, async (row) => {
    await (row.uploadedAt === null ? startMedia(temporal, row) : signalMediaCompleted(temporal, row));
    await markMediaStarted(db, row.id);
  });
  return { media: media.length };
}

export async function tellOfAccounts({ db, temporal }: Deps) {
  const unwiped = await unwipedAccounts(db, MOST);
  await forEach(unwiped, (account) => signalDisconnect(temporal, account));
  const returned = await unnoticedReturns(db, MOST);
  await forEach(returned, (account) => signalAccountChanged(temporal, account));
  return { accounts: unwiped.length + returned.length };
}

/** Starts the missing keepers of the accounts whose turn it is. */
export async function startKeepers({ db, temporal }: Deps) {
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
