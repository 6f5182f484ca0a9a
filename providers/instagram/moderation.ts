import type { ActionKind } from '../../reading.ts';
import { MINUTE } from '../../durations.ts';
import { ProviderError } from '../errors.ts';
import { id, text } from '../json.ts';
import { callGraph } from '../meta/graph.ts';
import { graphTime, isMissing } from '../meta/reads.ts';
import type { Action, ActionSubject, Moderation, Obstacle, ReadCall } from '../reading.ts';
import { INSTAGRAM, type Login } from './client.ts';
import { COMMENTS_PAGE, isOwn } from './read-comments.ts';
import { confirmByIds, nextAfter, rowsOf } from './read-media.ts';
import { createReads } from './reads.ts';

/* Answering, hiding, deleting and liking comments (instagram-facts 7.3 and 12). */

/** The clocks of the platform and of this installation may differ by this. */
const SKEW = MINUTE;
/** In which order Instagram lists replies is not documented: one that is looked for may be on any page. */
const MOST_PAGES = 20;

export function createModeration(login: Login): Moderation {
  return {
    obstacle: (kind, subject, scopes) => obstacleOf(login, kind, subject, scopes),
    act: (action, call) => act(login, action, call),
    find: (action, call) => findReply(login, action, call),
  };
}

function obstacleOf(
  { permissions, tells }: Login,
  kind: ActionKind,
  { own, hidden }: ActionSubject,
  scopes: readonly string[],
): Obstacle | null {
  if (kind === 'approve' || kind === 'ignore')
    return not('no_approvals', 'Comments on Instagram are not approved.');
  const isLike = kind === 'like' || kind === 'unlike';
  if (isLike && tells.likes === null)
    return not('login', 'Instagram lets apps like comments only for accounts connected with Facebook Login.');
  if (kind === 'reply' && hidden) return not('hidden', 'A hidden comment takes no reply. Unhide it first.');
  if (kind === 'hide' && own) return not('own_comment', 'Your own comments always stay visible.');
  const needed = isLike && tells.likes !== null ? [tells.likes] : (permissions.capabilities.moderate ?? []);
  return needed.every((scope) => scopes.includes(scope))
    ? null
    : { code: 'permission_missing', needs: { scopes: needed } };
}

const not = (reason: string, message: string): Obstacle => ({
  code: 'not_supported',
  reason,
  message,
  userMessage: message,
});

async function act(login: Login, action: Action, call: ReadCall): Promise<{ providerRef: string | null }> {
  const { subject, kind } = action;
  const { accessToken, signal, openId } = call;
  const send = (method: 'POST' | 'DELETE', path: string, params: Record<string, string> = {}) =>
    callGraph(INSTAGRAM, { ...login.call, method, path, params, effect: 'write', accessToken, signal });
  const comment = `/${subject.commentId}`;
  switch (kind) {
    case 'reply':
      return { providerRef: await reply(send, action) };
    case 'hide':
    case 'unhide':
      await send('POST', comment, { hide: String(kind === 'hide') });
      break;
    case 'delete':
      await send('DELETE', comment).catch((error: unknown) => unlessGone(login, subject, call, error));
      break;
    case 'like':
    case 'unlike':
      await send(kind === 'like' ? 'POST' : 'DELETE', `/${openId}/likes`, { comment_id: subject.commentId });
      break;
    default:
      throw new Error(`Instagram cannot ${kind} a comment`);
  }
  return { providerRef: null };
}

type Send = (
  method: 'POST',
  path: string,
  params: Record<string, string>,
) => Promise<Record<string, unknown>>;

/** Never with `fields`: then the reply is made and the answer is an error (instagram-facts 12). */
async function reply(send: Send, { subject, text: message }: Action): Promise<string> {
  const answer = await send('POST', `/${subject.commentId}/replies`, { message: message ?? '' }).catch(
    (error: unknown): never => {
      const isOpen =
        error instanceof ProviderError && (error.providerCode === '20/1772107' || isBroken(error));
      throw isOpen ? new ProviderError({ ...error.init, ...LOST }) : error;
    },
  );
  const made = id(answer['id']);
  if (made !== null) return made;
  throw new ProviderError({ provider: 'instagram', message: 'the answer to a reply has no id', ...LOST });
}

/** "Server error" does not say what the server did before it failed; that it was not reached does. */
const isBroken = ({ kind, init }: ProviderError): boolean =>
  kind === 'unavailable' && init.lost === undefined;

const LOST = {
  kind: 'unknown',
  code: 'outcome_unknown',
  userMessage: 'Instagram does not say whether the reply was made. Everpost looks for it.',
} as const;

/** What is gone already has been deleted, if the media still answers. */
async function unlessGone(
  login: Login,
  { commentId, mediaId }: ActionSubject,
  call: ReadCall,
  error: unknown,
): Promise<Record<string, unknown>> {
  if (!(error instanceof ProviderError) || !isMissing(error)) throw error;
  const { answers } = await confirmByIds(login, [commentId], mediaId, call);
  if (answers.get(commentId) !== 'gone') throw error;
  return {};
}

/**
 * A reply to a reply hangs at the comment (instagram-facts 7.3).
 * @returns null: it is not there
 * @throws ProviderError; `outcome_unknown`: Instagram lists too many replies to tell
 */
async function findReply(
  login: Login,
  { subject, text: message, sentAt, taken }: Action,
  call: ReadCall,
): Promise<string | null> {
  const reads = createReads(login, call);
  const since = (sentAt?.getTime() ?? Date.now()) - SKEW;
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await reads.get(`/${subject.parentId ?? subject.commentId}/replies`, {
      fields: 'id,text,timestamp,username,from{id,username},user',
      limit: String(COMMENTS_PAGE),
      ...(after === null ? {} : { after }),
    });
    for (const row of rowsOf(answer)) {
      const found = id(row['id']);
      const at = graphTime(row['timestamp'])?.getTime() ?? since;
      const fits = (text(row['text']) ?? '').trim() === (message ?? '').trim() && at >= since;
      if (found !== null && fits && isOwn(row, call) && !taken.includes(found)) return found;
    }
    after = nextAfter(answer);
    if (after === null) return null;
  }
  throw new ProviderError({
    provider: 'instagram',
    kind: 'rejected',
    code: 'outcome_unknown',
    message: 'the comment has too many replies to look for one',
    userMessage:
      'Instagram did not say whether the reply was made, and the comment has too many replies to look for it. Look at the comment before you answer it again.',
  });
}
