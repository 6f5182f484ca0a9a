import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './client.ts';
import type { World } from './world.ts';

/** Request fields that hold a secret. */
const NAMES = [
  'upload_token',
  'access_token',
  'input_token',
  'fb_exchange_token',
  'appsecret_proof',
  'refresh_token',
  'code',
  'code_verifier',
];

/** Every secret that was used: ours, and those that the sandbox has issued, from the requests it received. */
export async function collectSecrets({ stack, api, secrets }: World): Promise<void> {
  const { apps, keyring, ...own } = stack.secrets;
  const [, key = ''] = keyring.split(':');
  for (const secret of [key, ...Object.values(own), ...apps.values(), api.key]) secrets.add(secret);
  const requests: Json[] = await api.control('GET', '/requests');
  for (const { headers, body, path } of requests) {
    const given = /^(?:Bearer|OAuth) (.+)$/.exec(headers.authorization ?? '')?.[1];
    const query = Object.fromEntries(new URL(path ?? '', 'http://sandbox').searchParams);
    const all = { ...query, ...(typeof body === 'object' && body !== null ? body : {}) };
    for (const secret of [given, ...NAMES.map((name) => all[name])])
      if (typeof secret === 'string' && secret.length >= 16) secrets.add(secret);
  }
}

/** Tables that must not contain secrets. */
const TABLES = [
  'posts',
  'tiktok_posts',
  'tiktok_videos',
  'threads_media',
  'threads_replies',
  'account_profiles',
  'sync_states',
  'changes',
  'instagram_accounts',
  'ig_media',
  'ig_comments',
  'publish_attempts',
  'webhook_events',
  'audit_log',
  'media',
  'api_keys',
];

/**
 * Searches for secrets where they must never be: logs of all processes, Temporal's database with every history, our
 * tables.
 * @returns the places where they were found
 */
export async function findSecrets({ stack, secrets }: World): Promise<string[]> {
  const histories = readdirSync(stack.dir)
    .filter((name) => name.startsWith('temporal-'))
    .map((name) => join(stack.dir, name));
  const found = [...stack.fleet.logFiles, ...histories].flatMap((file) =>
    search(file, readFileSync(file, 'latin1'), secrets),
  );
  for (const table of TABLES) {
    const [row] = await stack.sql<{ text: string | null }[]>`
      select string_agg(t::text, ' ') as text from ${stack.sql(table)} t`;
    found.push(...search(`table ${table}`, row?.text ?? '', secrets));
  }
  return found;
}

function search(place: string, text: string, secrets: ReadonlySet<string>): string[] {
  return [...secrets]
    .filter((secret) => text.includes(secret))
    .map((secret) => `${place} holds a secret (${secret.slice(0, 4)}..., ${secret.length} characters)`);
}
