import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { inject } from 'vitest';

/** An empty database with the newest schema. @returns its URL */
export async function cloneDatabase(name: string): Promise<string> {
  const url = new URL(inject('postgresUrl'));
  const template = url.pathname.slice(1);
  url.pathname = '/postgres';
  const admin = postgres(url.href, { max: 1, onnotice: () => {} });
  // Two files may clone at once, which PostgreSQL refuses while the other is copying.
  for (let tries = 0; ; tries += 1) {
    try {
      await admin.unsafe(`create database ${name} template ${template}`);
      break;
    } catch (error) {
      if (tries === 50) throw error;
      await sleep(200);
    }
  }
  await admin.end();
  url.pathname = `/${name}`;
  return url.href;
}
