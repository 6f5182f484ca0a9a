import { readFileSync } from 'node:fs';
import type { Database } from '../../db/client.ts';
import type { Json } from '../../stack/client.ts';
import type { Sandbox } from '../drivers/sandbox.ts';

/** Data that helps to see why a test failed. */
export async function evidenceOf(
  control: Sandbox['control'],
  database: Database,
  logFiles: readonly string[],
): Promise<string> {
  const requests: Json = await control('GET', '/requests');
  const posts = await database.db.execute('select id, state, phase, error, publish_id from posts');
  const last = (requests.requests ?? requests)
    .slice(-30)
    .map((row: Json) => `${row.endpoint} ${row.status} ${row.fault ?? ''}`);
  return [
    `posts: ${JSON.stringify(posts)}`,
    `requests: ${last.join(' | ')}`,
    ...logFiles.map((file) => `${file}:\n${tail(file)}`),
  ].join('\n');
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-15).join('\n');
  } catch {
    return '(no log)';
  }
}
