import type { Delivery } from '../core/delivery.ts';
import { isCallback } from '../meta/callbacks.ts';
import { hubSignatures, metaJson } from '../meta/signing.ts';
import type { Instagram } from './context.ts';

/** Retries become rarer over 36 hours, then stop (instagram-facts 8.3). */
const GIVE_UP_MS = 36 * 3_600_000;

/** One entry of a body: `changes` for fields, `messaging` for messages. */
export type Entry = { id: string } & Record<string, unknown>;

interface Forgery {
  secret?: string | undefined;
  time?: number | undefined;
}

export function sender(instagram: Instagram) {
  const { app, options } = instagram;

  /** Events of Instagram Login may be signed with that app's secret (instagram-facts 8.2). */
  function headers(delivery: Delivery): Record<string, string> {
    if (isCallback(delivery)) return {};
    const { body, signing } = delivery;
    const login = signing['stack'] === 'login' && options.loginSigner === 'login' ? app.loginAppSecret : null;
    return hubSignatures(signing['secret'] ?? login ?? app.appSecret, body);
  }

  /** Nothing is sent until the callback URL has passed the handshake. */
  async function prepare(delivery: Delivery): Promise<string | null> {
    if (isCallback(delivery) || delivery.url === null) return null;
    return instagram.verify(delivery.url);
  }

  return { headers, prepare, repeat, giveUpMs: GIVE_UP_MS };
}

/** A repeated change has a new sending time (instagram-facts 8.6 and 11). */
function repeat({ body, event }: Delivery): string {
  if (event === 'messages' || !body.includes('"time":')) return body;
  return body.replaceAll(/"time":(\d+)/g, (_all, time: string) => `"time":${Number(time) + 1}`);
}

/** Seconds, on the receiver's clock unless requested otherwise. */
function wireSeconds({ core, options }: Instagram): number {
  return Math.floor((options.webhookClock === 'real' ? Date.now() : core.clock.now()) / 1_000);
}

/** Several entries are one batch (instagram-facts 8.3: up to 1,000 updates). */
export function sendEntries(
  instagram: Instagram,
  event: string,
  entries: Entry[],
  stack: 'facebook' | 'login',
  forgery: Forgery = {},
): Delivery {
  const time = forgery.time ?? wireSeconds(instagram);
  const timed = entries.map(({ id, ...entry }) => ({ id, time, ...entry }));
  const payload = { object: 'instagram', entry: timed };
  const wrapped = instagram.options.webhookShape === 'array' ? [payload] : payload;
  return instagram.core.webhooks.send({
    provider: 'instagram',
    event,
    url: instagram.app.webhookUrl,
    body: metaJson(wrapped),
    signing: { stack, ...(forgery.secret === undefined ? {} : { secret: forgery.secret }) },
  });
}
