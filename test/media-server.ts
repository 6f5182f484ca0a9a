import { once } from 'node:events';
import { createServer } from 'node:http';

const TYPES: Record<string, string> = {
  jpg: 'image/jpeg',
  png: 'image/png',
  mp4: 'video/mp4',
  html: 'text/html',
};

/** A host that the sandbox pulls media from. What it does not know is a 404, and `/moved` redirects. */
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
