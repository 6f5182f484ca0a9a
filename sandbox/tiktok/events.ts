import { createHmac } from 'node:crypto';
import type { Delivery } from '../core/delivery.ts';
import type { TikTok } from './context.ts';
import type { Publish } from './state.ts';

/** Changes to the body, secret or time of an event. */
interface Forgery {
  createTime?: number | undefined;
  secret?: string | undefined;
  t?: number | undefined;
  clientKey?: string | undefined;
}

/**
 * Receivers do not know the sandbox clock. So times on the wire are real unless requested otherwise, while an event's
 * age is in sandbox time: a kept first signature looks as old as the sandbox clock says.
 */
function wireSeconds(tiktok: TikTok, sandboxMs: number): number {
  const shift = tiktok.options.webhookClock === 'real' ? tiktok.core.clock.now() - Date.now() : 0;
  return Math.floor((sandboxMs - shift) / 1_000);
}

export function signer(tiktok: TikTok) {
  return ({ body, createdAt, signing }: Delivery): Record<string, string> => {
    const signedAt = tiktok.options.webhookResign ? tiktok.core.clock.now() : createdAt;
    const t = signing['t'] ?? String(wireSeconds(tiktok, signedAt));
    const secret = signing['secret'] ?? tiktok.app.clientSecret;
    const s = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
    return { 'TikTok-Signature': `t=${t},s=${s}` };
  };
}

export function sendEvent(
  tiktok: TikTok,
  event: string,
  openId: string,
  content: object | string,
  forgery: Forgery = {},
): Delivery {
  const body = JSON.stringify({
    client_key: forgery.clientKey ?? tiktok.app.clientKey,
    event,
    create_time: forgery.createTime ?? wireSeconds(tiktok, tiktok.core.clock.now()),
    user_openid: openId,
    content: typeof content === 'string' ? content : JSON.stringify(content),
  });
  const signing = {
    ...(forgery.secret === undefined ? {} : { secret: forgery.secret }),
    ...(forgery.t === undefined ? {} : { t: String(forgery.t) }),
  };
  return tiktok.core.webhooks.send({ provider: 'tiktok', event, url: tiktok.app.webhookUrl, body, signing });
}

export function sendPublishEvent(tiktok: TikTok, publish: Publish, event: string, more: object = {}): void {
  const publish_type = publish.mode === 'direct' ? 'DIRECT_PUBLISH' : 'INBOX_SHARE';
  const content = { publish_id: publish.id, publish_type, ...more };
  sendEvent(tiktok, `post.publish.${event}`, publish.openId, content);
}
