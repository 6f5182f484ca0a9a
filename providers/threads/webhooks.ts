import { createHash } from 'node:crypto';
import { parseJson } from '../http.ts';
import { id, record, records, text } from '../json.ts';
import { handshake, isSigned, signedUser } from '../meta/webhooks.ts';
import type { EventEffect, IncomingEvent, Webhooks } from '../provider.ts';
import type { ThreadsSettings } from './client.ts';

type Json = Readonly<Record<string, unknown>>;

/** Webhooks (sheet section 10): no `object`, no `entry`; `values` is an object or a list. */
export function createWebhooks({ webhookSecrets, verifyToken }: ThreadsSettings): Webhooks {
  return {
    verify: (body, headers) => isSigned(webhookSecrets, body, headers),
    handshake: (query) => handshake(query, verifyToken),
    signedUser: (signedRequest) => signedUser(signedRequest, webhookSecrets),

    split(body) {
      const parsed = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body));
      const bodies = Array.isArray(parsed) ? records(parsed) : [record(parsed)];
      if (bodies.some((one) => one === null)) throw new SyntaxError('not a JSON object');
      return bodies.filter((one) => one !== null).flatMap(changesOf);
    },

    // Nothing of ours waits for them: a publish is confirmed by its container.
    effect: (): EventEffect => ({ kind: 'none' }),
  };
}

function changesOf(body: Json): IncomingEvent[] {
  const values = Array.isArray(body['values']) ? records(body['values']) : [record(body['values'])];
  const target = id(body['target_id']);
  return values.map((one) => {
    const field = text(one?.['field']) ?? text(body['topic']) ?? 'unknown';
    const value = record(one?.['value']);
    const change = { field, target_id: target, topic: body['topic'] ?? null, value: value ?? one ?? body };
    const payload = JSON.stringify(change);
    const subject = id(value?.['id']);
    const key =
      subject === null
        ? createHash('sha256').update(payload).digest('hex')
        : `${subject}${field === 'mentions' ? `:${target ?? ''}` : ''}`;
    return {
      eventType: field.slice(0, 60),
      providerAccountId: ownerOf(field, target, value),
      payload,
      externalId: `${field.slice(0, 60)}:${key}`.slice(0, 200),
    };
  });
}

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
