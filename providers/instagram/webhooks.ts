import { createHash } from 'node:crypto';
import { parseJson } from '../http.ts';
import { id, record, records, text } from '../json.ts';
import { handshake, isSigned, signedUser } from '../meta/webhooks.ts';
import type { EventEffect, IncomingEvent, Webhooks } from '../provider.ts';
import type { InstagramSettings } from './client.ts';

type Json = Readonly<Record<string, unknown>>;

/** Webhooks (sheet section 8). */
export function createWebhooks({ webhookSecrets, verifyToken }: InstagramSettings): Webhooks {
  return {
    verify: (body, headers) => isSigned(webhookSecrets, body, headers),
    handshake: (query) => handshake(query, verifyToken),
    signedUser: (signedRequest) => signedUser(signedRequest, webhookSecrets),

    split(body) {
      const parsed = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body));
      // Docs also show the whole wrapped in a list (sheet section 8.5, 3).
      const bodies = Array.isArray(parsed) ? records(parsed) : [record(parsed)];
      if (bodies.some((one) => one === null)) throw new SyntaxError('not a JSON object');
      return bodies.filter((one) => one !== null).flatMap(changesOf);
    },

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
  if (entries.length === 0) return [event('unknown', null, null, body)];
  return entries.flatMap((entry) => {
    const entryId = id(entry['id']);
    const changes = [
      ...records(entry['changes']),
      // The docs of Instagram Login print field and value right under the entry (sheet section 8.5, 1).
      ...(entry['changes'] === undefined && text(entry['field']) !== null ? [entry] : []),
    ].map((change) => {
      const field = text(change['field']) ?? 'unknown';
      return event(field, entryId, keyOf(field, record(change['value'])), {
        entryId,
        field,
        value: change['value'],
      });
    });
    const messages = [...records(entry['messaging']), ...records(entry['standby'])].map((message) =>
      event('messages', entryId, null, { entryId, field: 'messages', value: message }),
    );
    return [...changes, ...messages];
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

/** The time of sending is not part of it: a repeated delivery has another one. */
function event(type: string, entryId: string | null, key: string | null, change: Json): IncomingEvent {
  const payload = JSON.stringify(change);
  const hash = (): string => createHash('sha256').update(payload).digest('hex');
  return {
    eventType: type.slice(0, 60),
    providerAccountId: entryId,
    payload,
    externalId: `${entryId ?? ''}:${key ?? `${type.slice(0, 60)}:${hash()}`}`.slice(0, 200),
  };
}
