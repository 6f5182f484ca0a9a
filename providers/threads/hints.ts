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
  if (event === null || value === null || subject === null) return NONE;
  switch (field) {
    case 'replies':
      return replied(value, subject);
    case 'delete': {
      const openId = id(record(value['owner'])?.['owner_id']);
      return openId === null ? NONE : { kind: 'hint', openId, stream: 'media', subject: null, gone: subject };
    }
    case 'publish': {
      // It may be a reply, so only the list tells whether it belongs to the posts.
      const openId = id(event['target_id']);
      return openId === null ? NONE : { kind: 'hint', openId, stream: 'media', subject: null };
    }
    default:
      return NONE;
  }
}

function replied(value: Json, replyId: string): EventEffect {
  const root = record(value['root_post']);
  const rootId = id(root?.['id']);
  const openId = id(root?.['owner_id']);
  if (rootId === null || openId === null) return NONE;
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
  return { kind: 'hint', openId, stream: 'replies', subject: rootId, item };
}
