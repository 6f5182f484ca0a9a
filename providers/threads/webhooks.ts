import { id, record, records, text } from '../json.ts';
import { incomingEvent, type Json, metaWebhooks } from '../meta/webhooks.ts';
import type { EventEffect, IncomingEvent, Webhooks } from '../webhooks.ts';
import type { ThreadsSettings } from './client.ts';

/** Webhooks (threads-facts 10.2): no `object`, no `entry`; `values` is an object or a list. */
export function createWebhooks(settings: ThreadsSettings): Webhooks {
  return {
    ...metaWebhooks(settings, changesOf),
    // Nothing of ours waits for them: a publish is confirmed by its container (threads-facts 4.4).
    effect: (): EventEffect => ({ kind: 'none' }),
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

/** To each post, or to each who is mentioned in it; of anything else two may be about the same one. */
const HAPPENS_ONCE = new Set(['replies', 'mentions', 'publish', 'delete']);

/** The account that an event is about, where it names one. */
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
