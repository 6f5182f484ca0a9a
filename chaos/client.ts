import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, createApi, type Init } from '../stack/client.ts';
import { sandboxAt } from '../stack/sandbox.ts';
import { sendBytes } from '../stack/upload.ts';
import { newUser } from '../stack/users.ts';
import { createVisitor } from '../stack/visitor.ts';
import type { Sandbox } from '../test/drivers/sandbox.ts';
import type { ChaosCreator } from './creators.ts';
import type { Stack } from './processes.ts';

export type { Answer, Json } from '../stack/client.ts';

/** Long enough for a cancel that stops an upload first. */
const ANSWER_MS = 25_000;
/** How long a client keeps trying. */
const PATIENCE_MS = 150_000;

/** A tenant that calls all servers and retries like a careful client; it also controls the sandbox. */
export interface ApiClient extends Sandbox, Insistent {
  userId: string;
  key: string;
  /** A creator connects, for the first time or again, and keeps trying while one of our processes is down. */
  connect: (creator: ChaosCreator, choices: Readonly<Record<string, string>>) => Promise<void>;
  /** Uploads a file to us, in as many tries as it takes. @returns the media's id; null: it was not accepted in time */
  upload: (bytes: Buffer, contentType: string, server?: number) => Promise<string | null>;
}

interface Insistent {
  /** One try. @param server its number, modulo the number of servers */
  call: (server: number, method: string, path: string, init?: Init) => Promise<Answer>;
  /** Tries until the answer is definite, on the servers in turn. @returns null if there was none in time */
  insist: (method: string, path: string, init?: Init & { server?: number }) => Promise<Answer | null>;
  urlOf: (server: number) => string;
}

export async function createApiClient({ urls, secrets, sandboxUrl, apiUrl }: Stack): Promise<ApiClient> {
  const { id, key } = await newUser(createApi(apiUrl, secrets.adminKey), 'chaos');
  const api = insistent(urls, key);
  return {
    ...api,
    ...sandboxAt(sandboxUrl),
    userId: id,
    key,
    connect: (creator, choices) => patiently(() => connect(api, creator, choices)),
    upload: (bytes, contentType, server = 0) => upload(api, key, bytes, contentType, server),
  };
}

function insistent(urls: readonly string[], key: string): Insistent {
  const apis = urls.map((url) => createApi(url, key, ANSWER_MS));
  const call: Insistent['call'] = (server, ...request) => at(apis, server).call(...request);
  return {
    call,
    urlOf: (server) => at(urls, server),
    async insist(method, path, { server = 0, ...init } = {}) {
      const end = Date.now() + PATIENCE_MS;
      for (let turn = server; Date.now() < end; turn += 1) {
        const answer = await call(turn, method, path, init).catch(() => null);
        if (answer !== null && answer.status < 500 && answer.status !== 429) return answer;
        await sleep(300);
      }
      return null;
    },
  };
}

/** The number is taken modulo the number of servers. */
function at<T>(all: readonly T[], server: number): T {
  const found = all[server % all.length];
  if (found === undefined) throw new Error('there is no server');
  return found;
}

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;)
    try {
      return await work();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(300);
    }
}

/**
 * Follows the redirects like a browser.
 * @param choices the fields of the consent besides the person
 */
async function connect(
  { call }: Insistent,
  { provider, method, username }: ChaosCreator,
  choices: Readonly<Record<string, string>>,
): Promise<void> {
  const body = method === null ? { provider } : { provider, method };
  const link = await call(0, 'POST', '/api/connect-links', { body });
  const visitor = createVisitor();
  const start = await visitor.openLink(link.body.url);
  const consent = new URLSearchParams({ creator: username, decision: 'approve', ...choices });
  const asked = new URL(start.location ?? '').searchParams.get('scope') ?? '';
  for (const scope of asked.split(/[\s,]+/)) consent.append('scope', scope);
  const page = await fetch(start.location ?? '', { method: 'POST', redirect: 'manual', body: consent });
  const end = await visitor.get(page.headers.get('location') ?? '', { accept: 'application/json' });
  if (end.status >= 400) throw new Error(`not connected: ${end.status} ${end.text}`);
}

async function upload(
  { insist, urlOf }: Insistent,
  key: string,
  bytes: Buffer,
  contentType: string,
  server: number,
): Promise<string | null> {
  const made = await insist('POST', '/api/media', {
    server,
    body: { filename: 'file', contentType, size: bytes.length },
    headers: { 'idempotency-key': randomUUID() },
  });
  if (made?.status !== 201) return null;
  const end = Date.now() + PATIENCE_MS;
  for (let turn = server; Date.now() < end; turn += 1) {
    const { pathname } = new URL(made.body.uploadUrl);
    await sendBytes(urlOf(turn) + pathname, key, bytes, bytes.length).catch(() => {});
    const media = await insist('GET', `/api/media/${made.body.id}`, { server: turn });
    if (media?.body.state === 'ready') return made.body.id;
    await sleep(300);
  }
  return null;
}
