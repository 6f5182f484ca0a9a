import { createReadStream, statSync } from 'node:fs';
import process from 'node:process';
import { request } from 'undici';

/*
 * `node bench/copy.ts FILE URL`: the floor of an upload. Copies one file from disk to one request, and nothing else.
 * Prints the receiver's answer and the time.
 */

const [file = '', url = ''] = process.argv.slice(2);
const since = performance.now();
const { statusCode, body } = await request(url, {
  method: 'PUT',
  headers: { 'content-length': String(statSync(file).size) },
  body: createReadStream(file),
});
const answer: unknown = await body.json();
process.stdout.write(JSON.stringify({ statusCode, answer, seconds: (performance.now() - since) / 1000 }));
