import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import process from 'node:process';
import { Pool } from 'pg';

/*
 * `node bench/bare-webhooks.ts PORT SECRET DATABASE_URL`: the floor of webhook intake. Verifies the signature and
 * inserts one row, with the same driver, pool and columns, and nothing else: no schema, no log, no metrics, no
 * workflow.
 */

const [port = '0', secret = '', databaseUrl = ''] = process.argv.slice(2);
const pool = new Pool({ connectionString: databaseUrl, max: 10 });
const INSERT = `
  insert into bare_events (provider, event_type, external_id, payload_json, provider_account_id)
  values ('tiktok', $1, $2, $3::text::json, $4) on conflict do nothing`;

async function receive(request: IncomingMessage): Promise<number> {
  if (request.method !== 'POST') return 200;
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const [, t = '', mac = ''] =
    /^t=(\d+),s=([0-9a-f]{64})$/.exec(String(request.headers['tiktok-signature'])) ?? [];
  const expected = createHmac('sha256', secret).update(`${t}.`).update(body).digest();
  if (!timingSafeEqual(expected, Buffer.from(mac.padEnd(64, '0'), 'hex'))) return 401;
  const text = body.toString();
  const event: { event: string; user_openid: string; create_time: number; content: string } =
    JSON.parse(text);
  const content: { publish_id: string } = JSON.parse(event.content);
  const id = `${event.event}:${content.publish_id}:${event.create_time}`;
  await pool.query({ name: 'insert', text: INSERT, values: [event.event, id, text, event.user_openid] });
  return 200;
}

createServer((request, response) => {
  void receive(request)
    .catch(() => 500)
    .then((status) => response.writeHead(status).end());
}).listen(Number(port), '127.0.0.1');
