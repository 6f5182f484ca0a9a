import { id, record, records, text } from '../json.ts';
import { incomingEvent, type Json, metaWebhooks } from '../meta/webhooks.ts';
import type { IncomingEvent, Webhooks } from '../webhooks.ts';
import type { ThreadsSettings } from './client.ts';
import { hintOf } from './hints.ts';

/** Webhooks (threads-facts 10.2): no `object`, no `entry`; `values` is an object or a list. */
export function createWebhooks(settings: ThreadsSettings): Webhooks {
  return {
    ...metaWebhooks(settings, changesOf),
    // No post waits for them: the container confirms a publish (threads-facts 4.4).
    effect: hintOf,
  };
}

function changesOf(body: Json): IncomingEvent[] {
  const { values: list, ...around } = body;
  const values = Array.isArray(list) ? records(list) : [record(list)];
  const target = id(body['target_id']);
  const topic = body['topic'] ?? null;
  return (values.length === 0 ? [null] : values).map((one) => {
    const field = text(one?.['field']) ?? text(topic) ?? 'unknown';
    const value = record(one?.['value']);
    const change = { field, target_id: target, topic, value: value ?? one ?? body };
    const payload = one === null ? body : { ...around, ...one };
    const subject = HAPPENS_ONCE.has(field) ? id(value?.['id']) : null;
    return incomingEvent(field, ownerOf(field, target, value), { change, payload }, (eventType, hash) =>
      subject === null
        ? `${eventType}:${hash}`
        : `${eventType}:${subject}${field === 'mentions' ? `:${target ?? ''}` : ''}`,
    );
  });
}

/**
 * Events that happen once to each post, or once to each person mentioned in it; other events may repeat for the same
 * post.
 */
const HAPPENS_ONCE = new Set(['replies', 'mentions', 'publish', 'delete']);

/** The account of an event, if it names one. */
function ownerOf(field: string, target: string | null, value: Json | null): string | null {
  switch (field) {
    case 'mentions':
      return target;
    case 'replies':
      return id(record(value?.['root_post'])?.['owner_id']);
    case 'delete':
      return id(record(value?.['owner'])?.['owner_id']);
    default:
      return null;
  }
}
