import { createHash } from 'node:crypto';
import { equalHex, hmacSha256Hex } from '../../crypto/signatures.ts';
import { cleanJson, textOf } from '../clean.ts';
import { parseJson } from '../http.ts';
import { id, moment, record, text } from '../json.ts';
import type { EventEffect, IncomingEvent, Webhooks } from '../webhooks.ts';
import { SECOND } from '../../durations.ts';
import { EVENT_PATIENCE } from '../../patience.ts';
import type { TikTokSettings } from './client.ts';
import { failed } from './errors.ts';

/** One event with a few ids (tiktok-facts 6.3). */
const LARGEST = 262_144;
/** Retries go on for as long and may keep their first signature; clocks may be a little ahead (tiktok-facts 6.1). */
const OLDEST_MS = EVENT_PATIENCE;
const NEWEST_MS = 300 * SECOND;

/** Reasons of authorization.removed (tiktok-facts 6.4). */
const REMOVED_REASONS: Readonly<Record<number, string>> = {
  0: 'unknown',
  1: 'disconnected_by_creator',
  2: 'account_deleted',
  3: 'age_changed',
  4: 'account_banned',
  5: 'revoked_by_developer',
};
const GONE_FOR_GOOD = new Set(['account_deleted', 'account_banned']);

/** Webhooks (tiktok-facts 6). */
export function createWebhooks({ webhookSecrets }: Pick<TikTokSettings, 'webhookSecrets'>): Webhooks {
  return {
    largestBody: LARGEST,

    mayBeSigned: (headers, now) => youngSignature(headers, now) !== null,

    verify(body, headers, now) {
      const signature = youngSignature(headers, now);
      if (signature === null) return false;
      return webhookSecrets
        .map((secret) => equalHex(hmacSha256Hex(secret, `${signature.timestamp}.`, body), signature.s))
        .includes(true);
    },

    split(body) {
      const payload = cleanJson(textOf(body));
      const event = record(parseJson(payload));
      if (event === null) throw new SyntaxError('not a JSON object');
      return [read(payload, event)];
    },

    effect(eventType, payload) {
      const event = record(parseJson(payload)) ?? {};
      return effectOf(eventType, event, contentOf(event));
    },
  };
}

/** The signature of a request; null if there is none, or its time is too old or in the future. */
function youngSignature(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  now: Date,
): ReturnType<typeof readSignature> {
  const signature = readSignature(headers['tiktok-signature']);
  if (signature === null) return null;
  const age = now.getTime() - signature.t * SECOND;
  return age > OLDEST_MS || age < -NEWEST_MS ? null : signature;
}

/** `t=<seconds>,s=<hex>`: split on the comma, then on the first `=` (tiktok-facts 6.1). */
function readSignature(
  header: string | string[] | undefined,
): { t: number; timestamp: string; s: string } | null {
  if (typeof header !== 'string') return null;
  const parts = new Map(
    header.split(',').map((part) => {
      const cut = part.indexOf('=');
      return [part.slice(0, cut).trim(), part.slice(cut + 1).trim()];
    }),
  );
  const timestamp = parts.get('t') ?? '';
  const s = parts.get('s') ?? '';
  return /^\d{1,12}$/.test(timestamp) && /^[0-9a-f]{64}$/.test(s)
    ? { t: Number(timestamp), timestamp, s }
    : null;
}

/** Events have no id, so it is built from the fields that distinguish two events (tiktok-facts 6.3). */
function read(payload: string, event: Readonly<Record<string, unknown>>): IncomingEvent {
  const eventType = (text(event['event']) ?? 'unknown').slice(0, LONGEST_TYPE).toWellFormed();
  const content = contentOf(event);
  const openId = text(event['user_openid']);
  const createTime = event['create_time'];
  const subject = text(content['publish_id']) ?? openId;
  const parts = [
    eventType,
    subject,
    text(content['post_id']),
    typeof createTime === 'number' ? String(createTime) : null,
  ];
  const known = subject !== null && typeof createTime === 'number' && ID_IS_ENOUGH.has(eventType);
  const externalId = parts.filter((part) => part !== null).join(':');
  return {
    eventType,
    providerAccountId: id(openId),
    payload,
    externalId:
      known && externalId.length <= 200
        ? externalId
        : `${eventType}:${createHash('sha256').update(payload).digest('hex')}`,
  };
}

/** Longer than any type in tiktok-facts 6.4. */
const LONGEST_TYPE = 60;

const ID_IS_ENOUGH = new Set([
  'authorization.removed',
  'post.publish.failed',
  'post.publish.complete',
  'post.publish.inbox_delivered',
  'post.publish.publicly_available',
  'post.publish.no_longer_publicaly_available',
]);

/** `content` is a string of JSON. */
function contentOf(event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const content = event['content'];
  if (typeof content !== 'string') return record(content) ?? {};
  try {
    return record(parseJson(content)) ?? {};
  } catch {
    return {};
  }
}

function effectOf(
  eventType: string,
  event: Readonly<Record<string, unknown>>,
  content: Readonly<Record<string, unknown>>,
): EventEffect {
  const publishId = id(content['publish_id']);
  if (eventType === 'authorization.removed') {
    const openId = id(event['user_openid']);
    const reason = REMOVED_REASONS[Number(content['reason'] ?? 0)] ?? 'unknown';
    const at = moment(event['create_time']);
    if (openId === null) return { kind: 'none' };
    return {
      kind: 'account',
      openId,
      status: GONE_FOR_GOOD.has(reason) ? 'disconnected' : 'reauth_required',
      reason,
      // Times are whole seconds: within the same second, our own revocation precedes a consent, and a creator's removal
      // follows it.
      at: at === null ? null : new Date(at.getTime() - (reason === 'revoked_by_developer' ? 1 : 0)),
    };
  }
  if (publishId === null) return { kind: 'none' };
  switch (eventType) {
    case 'post.publish.failed':
      return {
        kind: 'verdict',
        publishId,
        verdict: failed(text(content['reason']) ?? text(content['fail_reason'])),
      };
    case 'post.publish.complete':
      return {
        kind: 'verdict',
        publishId,
        verdict: { kind: 'published', status: 'PUBLISH_COMPLETE', providerPostId: null },
      };
    case 'post.publish.publicly_available':
      return {
        kind: 'verdict',
        publishId,
        verdict: {
          kind: 'published',
          status: 'PUBLISH_COMPLETE',
          providerPostId: id(content['post_id']),
        },
      };
    case 'post.publish.inbox_delivered':
      return { kind: 'verdict', publishId, verdict: { kind: 'delivered', status: 'SEND_TO_USER_INBOX' } };
    default:
      return { kind: 'none' };
  }
}
