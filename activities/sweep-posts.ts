import { markPostChecked, uncheckedPosts } from '../db/post-workflows.ts';
import { postById } from '../db/posts.ts';
import { isFinal } from '../db/schema.ts';
import { postRuns, signalSettled, startPost } from '../temporal/posts.ts';
import type { Deps } from './deps.ts';
import { forEach } from './sweep-rows.ts';

/** Each costs a call to the Temporal server. */
const MOST_CHECKED = 200;

/** Compares posts with their workflows, the oldest check first. */
export async function comparePosts(deps: Deps) {
  const repaired = { orphans: 0, stragglers: 0 };
  await forEach(await uncheckedPosts(deps.db, MOST_CHECKED), async ({ id }) => {
    const repair = await makeAgree(deps, id);
    if (repair !== null) repaired[repair] += 1;
  });
  return repaired;
}

/** Makes a post and its workflow agree: both open, or both ended. */
async function makeAgree({ db, temporal }: Deps, postId: string): Promise<'orphans' | 'stragglers' | null> {
  const runs = await postRuns(temporal, postId);
  // Read after the workflow, because a post ends before its workflow does.
  const post = await postById(db, postId);
  const ended = isFinal(post.state);
  if (runs && ended) await signalSettled(temporal, postId, post.state);
  // The attempts record what was sent: the plan continues where it was.
  if (!runs && !ended) await startPost(temporal, post, { again: true });
  await markPostChecked(db, postId, !runs && ended);
  return runs === ended ? (runs ? 'stragglers' : 'orphans') : null;
}
