import { createHmac } from 'node:crypto';

export interface SignedEvent {
  body: string;
  signature: string;
}

/** An event in TikTok's format. This kind changes nothing but its own row, so applying it costs the minimum. */
export function signedEvent(secret: string, tag: string, index: number): SignedEvent {
  const t = Math.floor(Date.now() / 1000);
  const body = JSON.stringify({
    client_key: 'bench-client-key',
    event: 'post.publish.no_longer_publicaly_available',
    create_time: t,
    user_openid: `bench-${tag}`,
    content: JSON.stringify({ publish_id: `v_pub_${tag}_${index}`, publish_type: 'DIRECT_PUBLISH' }),
  });
  const mac = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
  return { body, signature: `t=${t},s=${mac}` };
}
