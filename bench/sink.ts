import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import process from 'node:process';

/*
 * `node bench/sink.ts PORT`: receives PUT requests, treats the bytes like the sandbox (SHA-256, counted, not kept), and
 * answers with both.
 */

async function take(incoming: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const part of incoming) {
    hash.update(part);
    bytes += part.length;
  }
  return JSON.stringify({ bytes, sha256: hash.digest('hex') });
}

createServer((request, response) => {
  void take(request).then(
    (text) => response.end(text),
    () => response.destroy(),
  );
}).listen(Number(process.argv[2] ?? '0'), '127.0.0.1');
