import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

/*
 * Policy of all activities, by kind of work. Durations are the real ones in the tests too: the server skips time.
 */

/** A worker that dies is noticed within 15 s (docs/architecture.md). */
const HEARTBEAT = '12 seconds';
/** Reads and writes of ours and of a provider are tried again this often at most. */
const PATIENT = { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 minutes' } as const;

/** Our own database and server; `settlePost` may ask the provider once. */
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

/** Starts what may be hundreds of workflows. While it waits for its next try, no other sweep begins: it does not wait long. */
export const { sweepOnce } = proxyActivities<Activities>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: HEARTBEAT,
  retry: { ...PATIENT, maximumInterval: '15 seconds' },
});

/** One provider write. Safe to retry: the attempt row says what was sent. Given up 72 h after a post was due (`deadline`). */
export const { performWrite } = proxyActivities<Activities>({
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '74 hours',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: PATIENT,
});

/** A deletion, which can be asked for twice. Waits for quota are the workflow's. */
export const { beginDeletion, deletePiece } = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '74 hours',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: PATIENT,
});

/** Moves a file of up to 4 GB. Resumes where the provider says it stands. */
export const { transferMedia } = proxyActivities<Activities>({
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '74 hours',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { ...PATIENT, maximumInterval: '1 minute' },
});

/** Polls by retry: history does not grow while the provider decides. A day without a verdict is an unknown outcome. */
export const { awaitVerdict } = proxyActivities<Activities>({
  startToCloseTimeout: '2 minutes',
  heartbeatTimeout: HEARTBEAT,
  scheduleToCloseTimeout: '24 hours',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: PATIENT,
});

/** Somebody waits for the answer: a few tries, then it is too late. */
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

/** Calls the provider about tokens. Tried until the refresh token's end, which the activity knows. */
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

/** An event that cannot be applied yet is tried for 72 h, then kept with its error. */
export const { applyEvent } = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '72 hours',
  retry: PATIENT,
});
