import { parseJson } from '../http.ts';
import { id, record, records, text } from '../json.ts';
import { incomingEvent, type Json, metaWebhooks } from '../meta/webhooks.ts';
import type { IncomingEvent, Webhooks } from '../webhooks.ts';
import type { InstagramSettings } from './client.ts';
import { hintOf } from './hints.ts';

/** Webhooks (instagram-facts 8). */
export function createWebhooks(settings: InstagramSettings): Webhooks {
  return {
    ...metaWebhooks(settings, changesOf),

    effect: (_eventType, payload) => hintOf(record(parseJson(payload)) ?? {}),
  };
}

/** Splits a body into single changes, each with its account. */
function changesOf({ entry, ...body }: Json): IncomingEvent[] {
  const entries = records(entry);
  return entries.length === 0
    ? [event('unknown', null, untimed({ ...body, entry }), { ...body, entry })]
    : entries.flatMap((one) => changesOfEntry(one, body));
}

/** @param body the fields beside the entries */
function changesOfEntry(entry: Json, body: Json): IncomingEvent[] {
  const { id: entryId, changes, messaging, standby, changed_fields: changedFields, ...rest } = entry;
  const owner = id(entryId);
  const around = { ...body, ...rest, entryId };
  const values = [
    ...records(changes),
    // The docs of Instagram Login show field and value directly in the entry (instagram-facts 8.5, point 1).
    ...(changes === undefined && text(entry['field']) !== null ? [rest] : []),
  ].map((change) => {
    const field = text(change['field']) ?? 'unknown';
    const { value } = change;
    const key = keyOf(field, record(value));
    return event(field, owner, { entryId: owner, field, value }, { ...around, ...change }, key);
  });
  const messages = Object.entries({ messages: messaging, standby }).flatMap(([field, list]) =>
    records(list).map((value) => {
      const change = { entryId: owner, field: 'messages', value };
      return event('messages', owner, change, { ...around, field, value }, messageKey(value));
    }),
  );
  // An app without values gets only field names (instagram-facts 8.5, point 7): only the time distinguishes two of
  // them.
  const names: unknown[] = Array.isArray(changedFields) ? changedFields : [];
  const valueless = names.map((name) => {
    const field = text(name) ?? 'unknown';
    const key = `changed:${field}:${id(entry['time']) ?? ''}`;
    return event(field, owner, {}, { ...around, field }, key);
  });
  const all = [...values, ...messages, ...valueless];
  return all.length === 0 ? [event('unknown', owner, untimed(entry), { ...body, ...entry })] : all;
}

/** Without the sending time, which differs in a repeated delivery. */
const untimed = ({ time: _time, ...rest }: Json): Json => rest;

/** The part of a change that identifies it within its field (instagram-facts 8.6); null: the whole value. */
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

/** The part that identifies a message, or an action on one (instagram-facts 8.6); null: the whole item. */
function messageKey(item: Json): string | null {
  const part = (name: string): Json | null => record(item[name]);
  const [message, edit, reaction, postback] = ['message', 'message_edit', 'reaction', 'postback'].map(part);
  const mid = id((message ?? edit ?? reaction ?? postback)?.['mid']);
  if (mid === null) return null;
  if (message != null) {
    const kind = message['is_deleted'] === true ? 'deleted' : message['is_echo'] === true ? 'echo' : 'new';
    return `message:${mid}:${kind}`;
  }
  if (edit != null) return `message:${mid}:edit:${id(edit['num_edit']) ?? ''}`;
  if (reaction != null) {
    const sender = id(part('sender')?.['id']) ?? '';
    return `reaction:${sender}:${mid}:${text(reaction['action']) ?? ''}:${id(item['timestamp']) ?? ''}`;
  }
  return `postback:${mid}`;
}

const prefixed = (kind: string, key: string | null): string | null =>
  key === null ? null : `${kind}:${key}`;

function event(
  type: string,
  owner: string | null,
  change: Json,
  payload: Json = change,
  key: string | null = null,
): IncomingEvent {
  return incomingEvent(
    type,
    owner,
    { change, payload },
    (eventType, hash) => `${owner ?? ''}:${key ?? `${eventType}:${hash}`}`,
  );
}
