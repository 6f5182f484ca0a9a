import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Upload } from 'tus-js-client';
import { createVisitor } from '../stack/visitor.ts';
import type { Stack } from './processes.ts';
import type { ChaosCreator } from './creators.ts';

// What is read of answers; the comparison checks it.
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export interface Answer {
  status: number;
  body: Json;
}

/** Long enough for a cancel that stops an upload first. */
const ANSWER_MS = 25_000;
/** How long a client goes on trying. */
const PATIENCE_MS = 150_000;

export type ApiClient = Awaited<ReturnType<typeof createApiClient>>;

/** One tenant that speaks to both servers, and tries again as a careful client does. */
export async function createApiClient({ urls, secrets, sandboxUrl }: Stack) {
  async function admin(path: string, body: unknown): Promise<Json> {
    const answer = await request(urls[0] + path, 'POST', { key: secrets.adminKey, body });
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  const user = await admin('/api/users', { email: `${randomUUID()}@example.com` });
  const { key }: { key: string } = await admin(`/api/users/${user.id}/keys`, { name: 'chaos' });

  const call = (
    method: string,
    path: string,
    init: { server?: number; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> => request((urls[(init.server ?? 0) % 2] ?? urls[0]) + path, method, { key, ...init });

  /**
   * Tries until the answer is definite, at the two servers in turn.
   * @returns null when there was none in time
   */
  async function insist(
    method: string,
    path: string,
    init: { server?: number; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer | null> {
    const end = Date.now() + PATIENCE_MS;
    for (let turn = init.server ?? 0; Date.now() < end; turn += 1) {
      const answer = await call(method, path, { ...init, server: turn }).catch(() => null);
      if (answer !== null && answer.status < 500 && answer.status !== 429) return answer;
      await sleep(300);
    }
    return null;
  }

  /** Controls the sandbox. */
  async function control(method: string, path: string, body?: unknown): Promise<Json> {
    const answer = await request(`${sandboxUrl}/_sandbox${path}`, method, { body });
    if (answer.status !== 200)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /**
   * Connects somebody by the redirects that a browser follows; connecting again is the same call.
   * @param choices what the consent names besides the person
   */
  async function connect(
    { provider, method, username }: ChaosCreator,
    choices: Readonly<Record<string, string>>,
  ): Promise<void> {
    const body = method === null ? { provider } : { provider, method };
    const link = await call('POST', '/api/connect-links', { body });
    const visitor = createVisitor();
    const start = await visitor.openLink(link.body.url);
    const consent = new URLSearchParams({ creator: username, decision: 'approve', ...choices });
    const asked = new URL(start.location ?? '').searchParams.get('scope') ?? '';
    for (const scope of asked.split(/[\s,]+/)) consent.append('scope', scope);
    const page = await fetch(start.location ?? '', { method: 'POST', redirect: 'manual', body: consent });
    const end = await visitor.get(page.headers.get('location') ?? '', { accept: 'application/json' });
    if (end.status >= 400) throw new Error(`not connected: ${end.status} ${end.text}`);
  }

  /** A creator connects, and does not give up while something of ours is down. */
  async function comeBack(...who: Parameters<typeof connect>): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await connect(...who);
      } catch (error) {
        if (Date.now() > end) throw error;
        await sleep(300);
      }
    }
  }

  /** Uploads a file to us, however often it takes. @returns the media's id; null: it was not taken in time */
  async function upload(bytes: Buffer, contentType: string, server = 0): Promise<string | null> {
    const made = await insist('POST', '/api/media', {
      server,
      body: { filename: 'file', contentType, size: bytes.length },
      headers: { 'idempotency-key': randomUUID() },
    });
    if (made?.status !== 201) return null;
    const end = Date.now() + PATIENCE_MS;
    for (let turn = server; Date.now() < end; turn += 1) {
      const path = new URL(made.body.uploadUrl).pathname;
      await sendBytes((urls[turn % 2] ?? urls[0]) + path, bytes, key).catch(() => {});
      const media = await insist('GET', `/api/media/${made.body.id}`, { server: turn });
      if (media?.body.state === 'ready') return made.body.id;
      await sleep(300);
    }
    return null;
  }

  return { userId: String(user.id), key, call, insist, control, connect, comeBack, upload };
}

async function request(
  url: string,
  method: string,
  init: { key?: string | null; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(ANSWER_MS),
    headers: {
      ...(init.key == null ? {} : { authorization: `Bearer ${init.key}` }),
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...init.headers,
    },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
  const text = await response.text();
  return { status: response.status, body: parse(text) };
}

async function sendBytes(uploadUrl: string, bytes: Buffer, key: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    new Upload(bytes, {
      uploadUrl,
      headers: { authorization: `Bearer ${key}` },
      retryDelays: [100, 500],
      onSuccess: () => resolve(),
      onError: reject,
    }).start();
  });
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
