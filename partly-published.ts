import type { VisiblePart } from './db/live.ts';
import type { PostError } from './db/schema.ts';

/**
 * The user message for a post of which only the first parts are live.
 * @param end why the post ended after these: an error, or the state alone
 */
export function partlyPublished(
  parts: readonly VisiblePart[],
  end: { state: string; error: PostError | null },
): PostError {
  const live = parts.filter((part) => part.live);
  const { error } = end;
  const others = parts.some((part) => part.unclear)
    ? 'Whether the next one is could not be found out: look at the account.'
    : 'The others were not published.';
  return {
    code: 'partly_published',
    message: `${live.length} of ${parts.length} parts are live; then: ${error?.message ?? end.state}`,
    userMessage:
      `${live.length} of the ${parts.length} posts are live, the first ones. ${others} ` +
      'Do not publish the whole again: answer the last one that is live with what is missing.',
    retryable: false,
    details: {
      ...error?.details,
      live: live.map(({ step, providerPostId }) => ({ step, providerPostId })),
      missing: parts.flatMap(({ step, live: seen }) => (seen ? [] : [step])),
      reason: error === null ? null : { code: error.code, message: error.message },
    },
  };
}
