import type { Client } from '@temporalio/client';
import type { MediaUpload, MediaUploadInput } from './contract.ts';
import { mediaCompleted } from './messages.ts';
import { EverpostUser, mediaWorkflowId, TASK_QUEUE } from './names.ts';
import { carried, once } from './start.ts';

/* Starts and signals mediaUpload. */

/** The media's columns that its workflow's start needs. */
export interface MediaRow {
  id: string;
  userId: string;
  requestId: string | null;
}

function mediaStart(media: MediaRow) {
  return {
    ...carried(media.requestId),
    workflowId: mediaWorkflowId(media.id),
    taskQueue: TASK_QUEUE,
    args: [{ mediaId: media.id }] as [MediaUploadInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: 'Receives and examines one file',
    typedSearchAttributes: [{ key: EverpostUser, value: media.userId }],
  };
}

/** Starts the workflow of an upload. */
export async function startMedia(client: Client, media: MediaRow): Promise<void> {
  await once(client.workflow.start<MediaUpload>('mediaUpload', mediaStart(media)));
}

/** Signals that an upload's last byte has arrived. */
export async function signalMediaCompleted(client: Client, media: MediaRow): Promise<void> {
  await client.workflow.signalWithStart<MediaUpload>('mediaUpload', {
    ...mediaStart(media),
    signal: mediaCompleted,
  });
}
