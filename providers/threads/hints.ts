import type { Item } from '../../reading.ts';
import { parseJson } from '../http.ts';
import { id, record } from '../json.ts';
import { graphTime, idOf, rawOf, words } from '../meta/reads.ts';
import type { Json } from '../meta/webhooks.ts';
import type { EventEffect } from '../webhooks.ts';

const NONE: EventEffect = { kind: 'none' };

/** What an event asks sync to look at (threads-facts 10). Events are hints: what Threads answers counts. */
export function hintOf(field: string, payload: string): EventEffect {
  const event = record(parseJson(payload));
  const value = record(event?.['value']);
  const subject = id(value?.['id']);
  const target = id(event?.['target_id']);
  if (event === null || value === null || subject === null) return NONE;
  switch (field) {
    case 'replies':
      return replied(value, subject, target);
    case 'mentions':
      // The target is a person. Below a post of ours it is a reply; a post of others has no copy.
      return replied(value, subject, null);
    case 'delete': {
      const openId = id(record(value['owner'])?.['owner_id']);
      const otherwise = openId === null ? { ids: [subject] } : {};
      return { kind: 'hint', openId, otherwise, stream: 'media', subject: null, gone: subject };
    }
    case 'publish': {
      // It may be a reply, so only the list tells whether it belongs to the posts. The target is the owner or the post.
      const otherwise = { username: words(value['username']), ids: [subject] };
      return { kind: 'hint', openId: target, otherwise, stream: 'media', subject: null };
    }
    default:
      return NONE;
  }
}

/** @param target the media that was answered */
function replied(value: Json, replyId: string, target: string | null): EventEffect {
  const root = record(value['root_post']);
  const rootId = id(root?.['id']);
  const openId = id(root?.['owner_id']);
  const ids = [rootId, target].filter((known) => known !== null);
  const subject = rootId ?? target;
  if (subject === null) return NONE;
  // Without its owner, a post that we know tells the account.
  const hint: EventEffect = {
    kind: 'hint',
    openId,
    otherwise: openId === null ? { ids } : {},
    stream: 'replies',
    subject,
  };
  if (rootId === null) return hint;
  const username = words(value['username']);
  const timestamp = graphTime(value['timestamp']);
  const item: Item = {
    id: replyId,
    parent: rootId,
    at: timestamp,
    values: {
      rootId,
      repliedToId: idOf(value['replied_to']),
      username,
      text: words(value['text']),
      timestamp,
      own: username !== null && username === words(root?.['username']),
    },
    raw: rawOf(value),
  };
  return { ...hint, item };
}
