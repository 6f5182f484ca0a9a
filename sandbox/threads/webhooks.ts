import type { Delivery } from '../core/delivery.ts';
import { callbackForm, isCallback, type Callback, type CallbackForgery } from '../meta/callbacks.ts';
import { graphId } from '../meta/ids.ts';
import { hubSignatures, metaJson } from '../meta/signing.ts';
import type { Threads } from './context.ts';

/** As on all Graph webhooks; for Threads UNCONFIRMED (threads-facts 10.4). */
const GIVE_UP_MS = 36 * 3_600_000;
const TOPICS: Record<string, string> = {
  replies: 'moderate',
  delete: 'moderate',
  mentions: 'interaction',
  publish: 'interaction',
};

interface Forgery {
  secret?: string | undefined;
  time?: number | undefined;
  topic?: string | undefined;
}

/** Which of the two secrets signs is UNCONFIRMED (threads-facts 2.8 and 10.3). */
function secretOf({ app, options }: Threads): string {
  return options.signer === 'meta' ? (app.metaSecret ?? app.appSecret) : app.appSecret;
}

export function sender(threads: Threads) {
  function headers(delivery: Delivery): Record<string, string> {
    if (isCallback(delivery)) return {};
    return hubSignatures(delivery.signing['secret'] ?? secretOf(threads), delivery.body);
  }

  async function prepare(delivery: Delivery): Promise<string | null> {
    if (isCallback(delivery) || delivery.url === null) return null;
    return threads.verify(delivery.url);
  }

  return { headers, prepare, repeat, giveUpMs: GIVE_UP_MS };
}

/** A copy may have another time (threads-facts 10.4). */
function repeat({ body }: Delivery): string {
  return body.replaceAll(/"time":(\d+)/g, (_all, time: string) => `"time":${Number(time) + 1}`);
}

/** No `object` and no `entry` here (threads-facts 10.2). */
export function sendEvent(
  threads: Threads,
  field: string,
  targetId: string,
  value: object,
  forgery: Forgery = {},
): Delivery {
  const { app, core, options } = threads;
  const clock = options.webhookClock === 'real' ? Date.now() : core.clock.now();
  const change = { value, field };
  const body = metaJson({
    app_id: app.appId,
    topic: forgery.topic ?? TOPICS[field] ?? 'interaction',
    target_id: targetId,
    time: forgery.time ?? Math.floor(clock / 1_000),
    subscription_id: graphId('2345'),
    has_uid_field: false,
    values: options.webhookValues === 'array' ? [change] : change,
  });
  const signing: Record<string, string> = forgery.secret === undefined ? {} : { secret: forgery.secret };
  return core.webhooks.send({ provider: 'threads', event: field, url: app.webhookUrl, body, signing });
}

/** threads-facts 2.8: uninstall and delete. */
export function sendCallback(
  threads: Threads,
  callback: Callback,
  userId: string,
  forgery: CallbackForgery = {},
): Delivery {
  const { app, core } = threads;
  return core.webhooks.send({
    provider: 'threads',
    event: callback,
    url: callback === 'deauthorize' ? app.deauthorizeUrl : app.dataDeletionUrl,
    body: callbackForm(secretOf(threads), userId, forgery),
    contentType: 'application/x-www-form-urlencoded',
    signing: {},
  });
}

/** The profile removed the app: its tokens are dead before the callback is sent. */
export function removeApp(threads: Threads, userId: string, tell: boolean): void {
  const { state } = threads;
  delete state.grants[userId];
  for (const held of Object.values(state.tokens)) if (held.userId === userId) held.dead = 458;
  for (const [code, held] of Object.entries(state.codes))
    if (held.userId === userId) delete state.codes[code];
  if (tell) sendCallback(threads, 'deauthorize', userId);
}
