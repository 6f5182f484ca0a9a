import { condition, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { MediaUploadInput } from '../temporal/contract.ts';
import { expireMedia, mediaDue, probeMedia } from './activity-options.ts';
import { mediaCompleted } from '../temporal/messages.ts';

/**
 * Watches over one upload: inspects the file once its last byte has arrived, or abandons the upload at its deadline.
 * @returns the media's final state
 */
export async function mediaUpload({ mediaId }: MediaUploadInput): Promise<string> {
  let completed = false;
  setHandler(mediaCompleted, () => {
    completed = true;
  });
  const { dueInMs, uploaded } = await mediaDue({ mediaId });
  setCurrentDetails('Receives the file');
  if (!uploaded)
    await condition(() => completed, Math.max(dueInMs, 1), { summary: 'until the upload is given up' });
  if (!uploaded && !completed) {
    const state = await expireMedia({ mediaId });
    // The last byte may have won the race.
    if (state !== 'uploading') return state;
  }
  setCurrentDetails('Examines the file');
  return probeMedia({ mediaId });
}
