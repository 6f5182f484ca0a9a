import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { EVENT_PATIENCE } from '../patience.ts';

/* Timeouts and retries of all activities, by kind of work. Tests use the same durations: the test server skips time. */

/** A dead worker is noticed within 15 s (docs/architecture.md). */
const HEARTBEAT = '12 seconds';
/** The retry policy of most calls to our database and to a provider. */
const PATIENT = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 minutes' } as const;

/** Calls to our own database and server; `settlePost` may also call the provider once. */
export const {
  settlePost,
  reschedule,
  settleDeletion,
  tokenDue,
  wakePosts,
  mediaDue,
  expireMedia,
  storeEvent,
  keepEventError,
} = proxyActivities<Activities>({ startToCloseTimeout: '30 seconds', retry: PATIENT });

/** May start hundreds of workflows. No other sweep begins while it waits for its next try, so it does not wait long. */
export const { sweepOnce } = proxyActivities<Activities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: HEARTBEAT,
  retry: { ...PATIENT, maximumInterval: '15 seconds' },
});

/**
 * One provider write. Safe to retry: the attempt row records what was sent. Ends 72 h after the post was due
 * (`deadline`).
 */
export const { performWrite } = proxyActivities<Activities>({
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '74 hours',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: PATIENT,
});

/** One deletion, which may be sent twice. Waits for a quota are the workflow's. */
export const { beginDeletion, deletePiece } = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '74 hours',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: PATIENT,
});

/** Sends a file of up to 4 GB. Resumes at the provider's offset. */
export const { transferMedia } = proxyActivities<Activities>({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '74 hours',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { ...PATIENT, maximumInterval: '1 minute' },
});

/**
 * Polls by activity retry, so that the history does not grow meanwhile. A day without a verdict is an unknown outcome.
 */
export const { awaitVerdict } = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '24 hours',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: PATIENT,
});

/** A client waits for the answer: after a few tries it is too late. */
export const { recallPost } = proxyActivities<Activities>({
  startToCloseTimeout: '20 seconds',
  scheduleToCloseTimeout: '30 seconds',
  heartbeatTimeout: HEARTBEAT,
  retry: PATIENT,
});

/** Waits for another workflow's refresh. */
export const { renewToken } = proxyActivities<Activities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: HEARTBEAT,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: { ...PATIENT, maximumInterval: '30 seconds' },
});

/** Calls the provider about tokens. Retries until the refresh token expires, which the activity checks. */
export const { refreshAccount, revokeAccount } = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: HEARTBEAT,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: PATIENT,
});

/** Reads a whole file. */
export const { probeMedia } = proxyActivities<Activities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: HEARTBEAT,
  retry: PATIENT,
});

/** Retries an event that cannot be applied yet for a long time; then keeps it with its error. */
export const { applyEvent } = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: EVENT_PATIENCE,
  retry: PATIENT,
});

/**
 * Some pages of one account, each stored before the next; a lost worker loses one page at most. Most of the time may be
 * the wait for the tenant's turn.
 */
export const { syncSlice } = proxyActivities<Activities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: HEARTBEAT,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: PATIENT,
});

/** One action on a comment. Safe to retry: its row records what was sent. It ends itself after 72 h. */
export const { performAction } = proxyActivities<Activities>({
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: HEARTBEAT,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: PATIENT,
});

/** Starts up to some hundreds of workflows. */
export const { startDueSyncs } = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  retry: { ...PATIENT, maximumInterval: '15 seconds' },
});
