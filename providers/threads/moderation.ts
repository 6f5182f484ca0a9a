import type { ActionKind } from '../../reading.ts';
import { ProviderError } from '../errors.ts';
import { callGraph, type GraphCall } from '../meta/graph.ts';
import { isMissing } from '../meta/reads.ts';
import type { Action, ActionSubject, Moderation, Obstacle, ReadCall } from '../reading.ts';
import { THREADS, type ThreadsSettings } from './client.ts';
import { confirmByIds } from './read-by-id.ts';
import { createReads, type Reads } from './read.ts';

const MANAGE = ['threads_manage_replies'];
const SCOPES: Readonly<Record<ActionKind, readonly string[]>> = {
  reply: ['threads_content_publish', ...MANAGE],
  hide: MANAGE,
  unhide: MANAGE,
  approve: MANAGE,
  ignore: MANAGE,
  delete: ['threads_delete'],
  like: [],
  unlike: [],
};

/** Replies are moderated by the owner of the post (threads-facts 6.4 and 16). */
export function createModeration(settings: ThreadsSettings): Moderation {
  const { graphUrl } = settings;
  const reads = createReads(settings);
  const write = async (
    { accessToken, signal }: ReadCall,
    call: Pick<GraphCall, 'method' | 'path' | 'params'>,
  ): Promise<void> => {
    const base = `${graphUrl}/v1.0`;
    await callGraph(THREADS, { ...call, base, effect: 'write', accessToken, signal });
  };

  return {
    obstacle(kind, subject, scopes): Obstacle | null {
      const impossible = impossibility(kind, subject);
      if (impossible !== null) return { code: 'not_supported', ...impossible };
      const missing = SCOPES[kind].filter((scope) => !scopes.includes(scope));
      return missing.length === 0 ? null : { code: 'permission_missing', needs: { scopes: SCOPES[kind] } };
    },

    async act({ kind, subject }: Action, call) {
      const { commentId } = subject;
      const path = `/${encodeURIComponent(commentId)}`;
      switch (kind) {
        case 'hide':
        case 'unhide':
          await write(call, {
            method: 'POST',
            path: `${path}/manage_reply`,
            params: { hide: String(kind === 'hide') },
          });
          break;
        case 'approve':
        case 'ignore':
          await write(call, {
            method: 'POST',
            path: `${path}/manage_pending_reply`,
            params: { approve: String(kind === 'approve') },
          });
          break;
        case 'delete':
          await write(call, { method: 'DELETE', path }).catch((error: unknown) =>
            unlessGone(reads, subject, call, error),
          );
          break;
        case 'reply':
        case 'like':
        case 'unlike':
          throw new Error(`${kind} is no call of Threads`);
      }
      return { providerRef: null };
    },

    replyPost: ({ commentId }, text) => ({
      mediaType: 'TEXT',
      postInfo: { text, reply_to_id: commentId },
    }),
  };
}

/** What is gone already has been deleted, if the post still answers. */
async function unlessGone(
  reads: Reads,
  { commentId, mediaId }: ActionSubject,
  call: ReadCall,
  error: unknown,
): Promise<void> {
  if (!(error instanceof ProviderError) || !isMissing(error)) throw error;
  const { answers } = await confirmByIds(reads, [commentId], mediaId, call);
  if (answers.get(commentId) !== 'gone') throw error;
}

function impossibility(
  kind: ActionKind,
  { own, pending, parentId, mediaId, values }: ActionSubject,
): { reason: string; message: string; userMessage: string } | null {
  const approval = values['approval'] ?? null;
  switch (kind) {
    case 'like':
    case 'unlike':
      return say('no_likes', 'Threads lets apps like nothing.', 'Like the reply in the Threads app.');
    case 'delete':
      return own
        ? null
        : say(
            'not_own',
            'Threads lets apps delete the account’s own replies only.',
            'Hide the reply, or ask its author to delete it.',
          );
    case 'hide':
    case 'unhide':
      if (pending)
        return say(
          'pending',
          'The reply waits for an approval, and nobody sees it.',
          'Approve or ignore it instead.',
        );
      return parentId === null || parentId === mediaId
        ? null
        : say(
            'nested',
            'Threads hides replies to a post only; what is below them follows.',
            'Hide the reply at the top instead.',
          );
    case 'approve':
    case 'ignore':
      return pending || approval !== null
        ? null
        : say('no_approval', 'The reply needs no approval.', 'Hide it if nobody should see it.');
    case 'reply':
      return pending
        ? say('pending', 'The reply waits for an approval.', 'Approve it first, then answer it.')
        : null;
  }
}

const say = (reason: string, message: string, todo: string) => ({
  reason,
  message,
  userMessage: `${message} ${todo}`,
});
