import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { localKeyProvider, parseKeyring } from '../crypto/keys.ts';
import { openDatabase } from '../db/client.ts';
import { thisInstallation } from '../db/installation.ts';
import { ownPort } from './ports.ts';
import { createWorld, type Json, until, type World } from './world.ts';

/* Properties of the installation itself, which survive a change of its settings. */

let world: World;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world?.close());

const rows = (): Promise<Json[]> =>
  world.database.db.execute(sql`select id, kek_id, secret_wrapped from installation`);

/** Another server, with other settings. @returns its URL */
async function serverWith(env: Record<string, string>): Promise<string> {
  const port = await ownPort();
  await world.spawn('server', { PORT: String(port), EVERPOST_PUBLIC_URL: world.url, ...env });
  const url = `http://127.0.0.1:${port}`;
  await until('the server to be up', async () =>
    (await world.call('GET', `${url}/livez`, { key: null }).catch(() => null))?.status === 200 ? true : null,
  );
  return url;
}

/** Creates an API key and a connect link, named by an idempotency key. */
async function makeBoth(server: string, adminKey: string, name: string) {
  const headers = { 'idempotency-key': name };
  const key = await world.call('POST', `${server}/api/users/${world.user.id}/keys`, {
    key: adminKey,
    headers,
    body: { name: 'named' },
  });
  const link = await world.call('POST', `${server}/api/connect-links`, {
    headers,
    body: { provider: 'tiktok' },
  });
  return { key: key.body.key, url: link.body.url, replayed: key.headers.get('idempotency-replayed') };
}

test('derived keys and links stay the same under another admin key and a rotated keyring', async () => {
  onTestFailed(() => world.tell());
  const name = randomUUID();
  const { adminKey, kek } = world.secrets;
  const first = await makeBoth(world.url, adminKey, name);
  expect(first).toMatchObject({ key: expect.any(String), url: expect.any(String), replayed: null });

  const otherAdminKey = randomBytes(24).toString('hex');
  const k2 = `k2:${randomBytes(32).toString('base64')}`;
  const rotated = await serverWith({
    EVERPOST_ADMIN_KEY: otherAdminKey,
    EVERPOST_KEYRING: `${k2},k1:${kek}`,
  });
  expect(await makeBoth(rotated, otherAdminKey, name)).toEqual({ ...first, replayed: 'true' });

  // The sweep rewraps the secret, so that the old key can be removed.
  const worker = await world.spawn('worker', { EVERPOST_KEYRING: `${k2},k1:${kek}` });
  await until('the worker to start', async () =>
    readFileSync(worker.logFile, 'utf8').includes('worker started') ? true : null,
  );
  await world.sweep();
  expect(await rows()).toMatchObject([{ kek_id: 'k2' }]);
  const without = await serverWith({ EVERPOST_ADMIN_KEY: otherAdminKey, EVERPOST_KEYRING: k2 });
  expect(await makeBoth(without, otherAdminKey, name)).toEqual({ ...first, replayed: 'true' });
  expect((await world.call('GET', `${without}/api/accounts`, { key: first.key })).status).toBe(200);
});

test('processes that start at once create one installation', async () => {
  const { db } = world.database;
  await db.execute(sql`delete from installation`);
  const keys = localKeyProvider(parseKeyring(`k1:${world.secrets.kek}`));
  const pools = [1, 2, 3, 4].map(() => openDatabase(world.env['DATABASE_URL'] ?? '', 5));
  try {
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        thisInstallation(pools[index % pools.length]?.db ?? db, (secret) => keys.wrap(secret)),
      ),
    );
    const [row, ...others] = await rows();
    expect(others).toEqual([]);
    for (const { id, secretWrapped } of made) {
      expect(id).toBe(row.id);
      expect(Buffer.from(secretWrapped).equals(row.secret_wrapped)).toBe(true);
    }
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
  }
});

test('a secret lost with its key is recreated, and the installation keeps its id', async () => {
  const { db } = world.database;
  const keys = localKeyProvider(parseKeyring(`k1:${world.secrets.kek}`));
  const wrap = (secret: Uint8Array) => keys.wrap(secret);
  const before = await thisInstallation(db, wrap);
  await db.execute(sql`update installation set kek_id = null, secret_wrapped = null`);
  const after = await thisInstallation(db, wrap);
  expect(after.id).toBe(before.id);
  expect(after.kekId).toBe('k1');
  expect(await thisInstallation(db, wrap)).toEqual(after);
});

test('With its key gone, users, keys and links need the secret only for an Idempotency-Key.', async () => {
  onTestFailed(() => world.tell());
  const { db } = world.database;
  const lost = localKeyProvider(parseKeyring(`lost:${randomBytes(32).toString('base64')}`));
  await db.execute(sql`update installation set kek_id = null, secret_wrapped = null`);
  await thisInstallation(db, (secret) => lost.wrap(secret));
  const server = await serverWith({});
  const make = (path: string, key: string, body: unknown, headers = {}) =>
    world.call('POST', server + path, { key, body, headers });
  const { adminKey } = world.secrets;
  const user = await make('/api/users', adminKey, { email: `${randomUUID()}@example.com` });
  const { key } = world.user;
  const link = await make('/api/connect-links', key, { provider: 'tiktok' });
  const made = await make(`/api/users/${user.body.id}/keys`, adminKey, { name: 'made without the secret' });
  expect([user.status, link.status, made.status]).toEqual([201, 201, 201]);
  const mine = await world.call('GET', `${server}/api/accounts`, { key: made.body.key });
  expect(mine.status).toBe(200);
  const named = { 'idempotency-key': randomUUID() };
  expect((await make('/api/connect-links', key, { provider: 'tiktok' }, named)).status).toBe(500);
});
