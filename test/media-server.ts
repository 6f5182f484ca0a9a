import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, vi } from 'vitest';

const TYPES: Record<string, string> = {
  jpg: 'image/jpeg',
  png: 'image/png',
  mp4: 'video/mp4',
  html: 'text/html',
};

/** A host from which the sandbox pulls media. An unknown path is a 404, and `/moved` redirects. */
export async function serveMedia() {
  const files = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const bytes = files.get(path);
    if (path === '/moved.jpg') response.writeHead(302, { location: '/a.jpg' }).end();
    else if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': TYPES[path.split('.').at(-1) ?? ''] }).end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;

  /** @returns the URL of the file */
  function serve(path: string, bytes: Buffer): string {
    files.set(path, bytes);
    return base + path;
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  return { base, serve, close };
}
export type MediaServer = Awaited<ReturnType<typeof serveMedia>>;

/** A receiver of Meta's webhooks below `/hook`, which answers the handshake for one verify token. */
export async function receiveWebhooks(verifyToken: string) {
  const received: { path: string; body: string; headers: IncomingHttpHeaders }[] = [];
  const statuses: number[] = [];
  const answers = new Map<string, string>();
  let handshakes = 0;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://receiver');
    if (request.method === 'GET') {
      handshakes += 1;
      const known = searchParams.get('hub.verify_token') === verifyToken;
      response.writeHead(known ? 200 : 403).end(known ? searchParams.get('hub.challenge') : '');
      return;
    }
    void text(request).then((body) => {
      received.push({ path: pathname, body, headers: request.headers });
      return response.writeHead(statuses.shift() ?? 200).end(answers.get(pathname));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();

  const arrive = (count: number): Promise<void> =>
    vi.waitFor(() => expect(received).toHaveLength(count), { interval: 10 });

  /** Signature and payload of the callback with this number. */
  function signedRequest(index: number): [string, string] {
    const form = new URLSearchParams(received[index]?.body);
    const [signature = '', payload = ''] = (form.get('signed_request') ?? '').split('.');
    return [signature, payload];
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook`,
    received,
    /** The statuses of the next deliveries; 200 once there are none. */
    statuses,
    get handshakes() {
      return handshakes;
    },
    answer: (path: string, body: string) => answers.set(path, body),
    arrive,
    signedRequest,
    close,
  };
}
export type Receiver = Awaited<ReturnType<typeof receiveWebhooks>>;
