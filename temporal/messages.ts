import { defineSignal, defineUpdate } from '@temporalio/workflow';

/* The messages that our workflows accept. */

/** To publishPost: the post is settled; its end was learned elsewhere. */
export const postSettled = defineSignal<[{ state: string }]>('postSettled');
/** To publishPost: check again, the reason for the wait may be gone (the account was reconnected). */
export const lookAgain = defineSignal('lookAgain');
/**
 * To publishPost: stop. Refused with type `TooLate` (details: the state) once the last byte or publish call is sent.
 */
export const cancelPost = defineUpdate<{ state: string }>('cancel');
/**
 * To publishPost: move the post to another time, RFC 3339. Refused with type `TooLate` once the first write has begun.
 */
export const reschedulePost = defineUpdate<{ state: string }, [{ scheduledAt: string }]>('reschedule');

/** To deletePost: delete the post, even if the last attempt was refused. */
export const deletionAsked = defineSignal('deletionAsked');

/**
 * To keepTokenFresh: the token of this version was refused. Answers once there is another one, or there will be none.
 */
export const refreshToken = defineUpdate<
  { status: string; tokenVersion: number },
  [{ tokenVersion: number }]
>('refresh');
/** To keepTokenFresh: the account's row has changed (connected again, permission removed). */
export const accountChanged = defineSignal('accountChanged');
/** To keepTokenFresh: the tenant has disconnected the account. */
export const disconnectAccount = defineSignal('disconnect');

/** To keepTokenFresh: the tenant has disconnected the account. Answers once its tokens are revoked and wiped. */
export const revokeAccess = defineUpdate<void>('revoke');

/** To mediaUpload: the last byte has arrived. */
export const mediaCompleted = defineSignal('completed');

/** To syncAccount: something has become due. */
export const syncAsked = defineSignal('syncAsked');
