import { createHmac, timingSafeEqual } from 'node:crypto';
import { equalHex, hmacSha256Hex, sha256Hex } from '../../crypto/signatures.ts';
import { textOf } from '../clean.ts';
import { parseJson, parseVerbatim } from '../http.ts';
import { id, moment, record, records, tryParse } from '../json.ts';
import type { IncomingEvent, Webhooks } from '../webhooks.ts';
import { EVENT_PATIENCE } from '../../patience.ts';

/* Shared by all of Meta's callbacks (instagram-facts 2.6 and 8). */

type Headers = Readonly<Record<string, string | string[] | undefined>>;
export type Json = Readonly<Record<string, unknown>>;

/** A batch of 1,000 comments of maximum length with every letter escaped (instagram-facts 8.3). */
const LARGEST = 16 * 1_048_576;

export interface MetaWebhookSettings {
  webhookSecrets: readonly string[];
  /** These sign callbacks, whatever signs webhooks. */
  appSecrets: readonly string[];
  verifyToken: string;
}

/**
 * The part of webhooks that all of Meta's platforms share.
 * @param changesOf the changes of one body; at least one, so that nothing is acknowledged without being stored
 */
export function metaWebhooks(
  { webhookSecrets, appSecrets, verifyToken }: MetaWebhookSettings,
  changesOf: (body: Json) => IncomingEvent[],
): Omit<Webhooks, 'effect'> {
  return {
    largestBody: LARGEST,
    mayBeSigned: (headers) => signatureOf(headers) !== null,
    verify: (body, headers) => isSigned(webhookSecrets, body, headers),
    handshake: (query) => handshake(query, verifyToken),
    signedUser: (signedRequest, now) => signedUser(signedRequest, [...appSecrets, ...webhookSecrets], now),
    split(body) {
      const parsed = parseVerbatim(textOf(body));
      // The whole body may be wrapped in a list (instagram-facts 8.5, point 3; threads-facts 10.2).
      const bodies = Array.isArray(parsed) ? records(parsed) : [record(parsed)];
      if (bodies.some((one) => one === null)) throw new SyntaxError('not a JSON object');
      return bodies.filter((one) => one !== null).flatMap(changesOf);
    },
  };
}

/**
 * One change, as it is stored.
 * @param change the part that identifies it; without the sending time, which differs in a repeated delivery
 * @param payload the change as it came, with the fields around it
 * @param keyOf makes the external id from the type and a hash of the change
 */
export function incomingEvent(
  type: string,
  providerAccountId: string | null,
  { change, payload }: { change: Json; payload: Json },
  keyOf: (eventType: string, hash: string) => string,
): IncomingEvent {
  const eventType = type.slice(0, 60).toWellFormed();
  const hash = sha256Hex(canonical(change));
  const key = keyOf(eventType, hash);
  return {
    eventType,
    providerAccountId,
    payload: JSON.stringify(payload),
    externalId: key.length <= LONGEST_KEY ? key : `${eventType}:${sha256Hex(key)}`,
  };
}

/** A longer key is replaced by its hash. */
const LONGEST_KEY = 200;

/** JSON with sorted keys: a repeated delivery may order them differently (instagram-facts 8.6). */
function canonical(value: unknown): string {
  return JSON.stringify(parseJson(JSON.stringify(value)), (_key, part: unknown) => {
    const fields = record(part);
    return fields === null ? part : Object.fromEntries(Object.entries(fields).toSorted(byKey));
  });
}

function byKey([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** Whether one of the secrets signed these bytes: `X-Hub-Signature-256: sha256=<hex>`. */
function isSigned(secrets: readonly string[], body: Uint8Array, headers: Headers): boolean {
  const signature = signatureOf(headers);
  if (signature === null) return false;
  return secrets.map((secret) => equalHex(hmacSha256Hex(secret, body), signature)).includes(true);
}

function signatureOf(headers: Headers): string | null {
  const header = headers['x-hub-signature-256'];
  const [, signature] = /^sha256=([0-9a-f]{64})$/i.exec(typeof header === 'string' ? header : '') ?? [];
  return signature?.toLowerCase() ?? null;
}

/** The answer to a subscription's handshake; null if the token is not ours. */
function handshake(query: Readonly<Record<string, unknown>>, verifyToken: string): string | null {
  const { 'hub.mode': mode, 'hub.challenge': challenge, 'hub.verify_token': token } = query;
  if (mode !== 'subscribe' || typeof challenge !== 'string' || typeof token !== 'string') return null;
  const [given, right] = [token, verifyToken].map((text) =>
    createHmac('sha256', 'verify').update(text).digest(),
  );
  return given !== undefined && right !== undefined && timingSafeEqual(given, right) ? challenge : null;
}

/** The only algorithm (instagram-facts 2.6, threads-facts 2.8): a signature by another one proves nothing. */
const ALGORITHM = 'HMAC-SHA256';
/** Deliveries are repeated for 36 hours (instagram-facts 8.3) and may keep their first time; clocks differ a little. */
const OLDEST_MS = EVENT_PATIENCE;
const NEWEST_MS = 300_000;

/**
 * Reads a `signed_request`: `base64url(signature).base64url(JSON)`, signed over the encoded JSON.
 * @returns its user and its time of issue; null if none of our secrets signed it, or it is too old
 */
function signedUser(
  signedRequest: string,
  secrets: readonly string[],
  now: Date,
): { user: string; at: Date } | null {
  const [signature = '', payload = '', ...rest] = signedRequest.split('.');
  if (rest.length > 0 || signature === '' || payload === '') return null;
  const given = Buffer.from(signature, 'base64url').toString('hex');
  if (!secrets.map((secret) => equalHex(hmacSha256Hex(secret, payload), given)).includes(true)) return null;
  const said = record(tryParse(Buffer.from(payload, 'base64url').toString()));
  const user = id(said?.['user_id']);
  const at = moment(said?.['issued_at']);
  if (said?.['algorithm'] !== ALGORITHM || user === null || at === null) return null;
  const age = now.getTime() - at.getTime();
  return age <= OLDEST_MS && age >= -NEWEST_MS ? { user, at } : null;
}
