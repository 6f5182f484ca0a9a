import { parseJson } from '../http.ts';
import { id, record, records, text } from '../json.ts';
import { incomingEvent, type Json, metaWebhooks } from '../meta/webhooks.ts';
import type { EventEffect, IncomingEvent, Webhooks } from '../provider.ts';
import type { InstagramSettings } from './client.ts';

/** Webhooks (sheet section 8). */
export function createWebhooks(settings: InstagramSettings): Webhooks {
  return {
    ...metaWebhooks(settings, changesOf),

    effect(_eventType, payload): EventEffect {
      const change = record(parseJson(payload)) ?? {};
      const value = record(change['value']);
      if (change['field'] !== 'comments' && change['field'] !== 'live_comments') return { kind: 'none' };
      const commentId = id(value?.['id']) ?? id(value?.['comment_id']);
      const mediaId = id(record(value?.['media'])?.['id']);
      const owner = id(change['entryId']);
      if (commentId === null || mediaId === null || owner === null) return { kind: 'none' };
      const from = record(value?.['from']);
      return {
        kind: 'comment',
        openId: owner,
        mediaId,
        commentId,
        fromUser: text(from?.['username']) ?? id(from?.['id']),
        text: text(value?.['text']),
      };
    },
  };
}

/** One change each, with the account that it is about. */
function changesOf(body: Json): IncomingEvent[] {
  const entries = records(body['entry']);
  return entries.length === 0 ? [event('unknown', null, null, body)] : entries.flatMap(changesOfEntry);
}

function changesOfEntry(entry: Json): IncomingEvent[] {
  const entryId = id(entry['id']);
  const changes = [
    ...records(entry['changes']),
    // The docs of Instagram Login print field and value right under the entry (sheet section 8.5, 1).
    ...(entry['changes'] === undefined && text(entry['field']) !== null ? [entry] : []),
  ].map((change) => {
    const field = text(change['field']) ?? 'unknown';
    const key = keyOf(field, record(change['value']));
    return event(field, entryId, key, { entryId, field, value: change['value'] });
  });
  const messages = [...records(entry['messaging']), ...records(entry['standby'])].map((message) =>
    event('messages', entryId, null, { entryId, field: 'messages', value: message }),
  );
  const found = [...changes, ...messages, ...changedFields(entry, entryId)];
  return found.length === 0 ? [event('unknown', entryId, null, entry)] : found;
}

/** Without values only the fields are told (sheet section 8.5, 7): with nothing but the time to tell one from the next. */
function changedFields(entry: Json, entryId: string | null): IncomingEvent[] {
  const { changed_fields: fields, time } = entry;
  if (!Array.isArray(fields)) return [];
  return fields.map((name: unknown) => {
    const field = text(name) ?? 'unknown';
    return event(field, entryId, `changed:${field}:${id(time) ?? ''}`, { entryId, field, time });
  });
}

/** What tells a change from others of its field (sheet section 8.6); null: the whole value does. */
function keyOf(field: string, value: Json | null): string | null {
  switch (field) {
    case 'comments':
    case 'live_comments':
      return prefixed('comment', id(value?.['id']) ?? id(value?.['comment_id']));
    case 'mentions': {
      const media = id(value?.['media_id']);
      return media === null ? null : `mention:${media}:${id(value?.['comment_id']) ?? 'caption'}`;
    }
    default:
      return null;
  }
}

const prefixed = (kind: string, key: string | null): string | null =>
  key === null ? null : `${kind}:${key}`;

function event(type: string, entryId: string | null, key: string | null, change: Json): IncomingEvent {
  return incomingEvent(
    type,
    entryId,
    change,
    (eventType, hash) => `${entryId ?? ''}:${key ?? `${eventType}:${hash}`}`,
  );
}
