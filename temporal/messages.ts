import { defineSignal, defineUpdate } from '@temporalio/workflow';

/* What others may say to our workflows. */

/** To publishPost: the post is settled, somebody else has learned its end. */
export const postSettled = defineSignal<[{ state: string }]>('postSettled');
/** To publishPost: what it waits for may have changed (the account was reconnected). */
export const lookAgain = defineSignal('lookAgain');
/** To publishPost: stop. Refused with type `TooLate` (details: the state) once the last byte or publish call is sent. */
export const cancelPost = defineUpdate<{ state: string }>('cancel');
/** To publishPost: another time, RFC 3339. Refused with type `TooLate` once the first write is under way. */
export const reschedulePost = defineUpdate<{ state: string }, [{ scheduledAt: string }]>('reschedule');

/** To deletePost: the post is to be deleted, also where the last try was refused. */
export const deletionAsked = defineSignal('deletionAsked');

/** To keepTokenFresh: the token of this version was refused; the answer comes when there is another one, or none will come. */
export const refreshToken = defineUpdate<
  { status: string; tokenVersion: number },
  [{ tokenVersion: number }]
>('refresh');
/** To keepTokenFresh: the account's row has changed (connected again, permission removed). */
export const accountChanged = defineSignal('accountChanged');
/** To keepTokenFresh: the tenant has disconnected the account. */
export const disconnectAccount = defineSignal('disconnect');

/** To keepTokenFresh: the tenant has disconnected the account; answered when its tokens are revoked and wiped. */
export const revokeAccess = defineUpdate<void>('revoke');

/** To mediaUpload: the last byte has arrived. */
export const mediaCompleted = defineSignal('completed');
