import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVisitor } from '../stack/visitor.ts';
import { createWorld, type Answer, type World } from './world.ts';

/* Users' names, and the meaning of an Idempotency-Key once its object has changed or is gone. */

let world: World;
let admin: string;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  admin = world.secrets.adminKey;
});
afterAll(() => world?.close());

const email = (): string => `${randomUUID()}@example.com`;
const create = (body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Answer> =>
  world.call('POST', '/api/users', { key: admin, body, headers });
const change = (id: string, body: unknown, key: string | null = admin): Promise<Answer> =>
  world.call('PATCH', `/api/users/${id}`, { key, body });

/** The page of a user's connect link. */
async function pageOf(key: string): Promise<string> {
  const link = await world.call('POST', '/api/connect-links', { key, body: { provider: 'tiktok' } });
  return (await createVisitor().get(link.body.url)).text;
}

describe('a user’s display name', () => {
  test('can be set, changed and removed, and creators see it', async () => {
    const user = await world.newUser();
    expect((await change(user.id, { displayName: ' Studio\tNine ' })).body).toMatchObject({
      id: user.id,
      displayName: 'Studio Nine',
    });
    expect(await pageOf(user.key)).toContain('<bdi>Studio Nine</bdi> asks to:');
    const changed = await change(user.id, { displayName: 'Studio Ten' });
    expect([changed.status, changed.body.displayName]).toEqual([200, 'Studio Ten']);
    const gone = await change(user.id, { displayName: null });
    expect([gone.status, Object.keys(gone.body)]).toEqual([200, ['id', 'email']]);
    expect(await pageOf(user.key)).toContain(`<bdi>${new URL(world.url).host}</bdi> asks to:`);
    const rows = await world.database.db.execute(
      sql`select actor from audit_log where action = 'user.changed' and subject = ${user.id}`,
    );
    expect(rows).toEqual([{ actor: 'admin' }, { actor: 'admin' }, { actor: 'admin' }]);
  });

  test('is refused if it cannot be shown, and only the operator can change it', async () => {
    const { id, key } = await world.newUser();
    for (const body of [
      {},
      { displayName: '' },
      { displayName: '\u200b' },
      { displayName: 7 },
      { email: email() },
    ])
      expect([body, (await change(id, body)).status]).toEqual([body, 400]);
    expect((await change(id, { displayName: 'x' }, key)).status).toBe(403);
    expect((await change(id, { displayName: 'x' }, null)).status).toBe(401);
    const nobody = await change(randomUUID(), { displayName: 'x' });
    expect([nobody.status, nobody.body.error.code]).toEqual([404, 'user_not_found']);
  });

  test('does not affect the repeated request that created the user', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const body = { email: email(), displayName: 'Before' };
    const { id } = (await create(body, headers)).body;
    await change(id, { displayName: 'After' });
    const again = await create(body, headers);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(again.body).toEqual({ id, email: body.email, displayName: 'After' });
    for (const other of [
      { ...body, displayName: 'After' },
      { ...body, email: email() },
    ])
      expect((await create(other, headers)).body.error.code).toBe('idempotency_key_reused');
  });

  test('can be given to the first user', async () => {
    const address = email();
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['scripts/create-user.ts', address, '--display-name', 'Studio Nine'],
      { cwd: fileURLToPath(new URL('..', import.meta.url)), env: world.env },
    );
    const [, key = ''] = /^key {2}(ep_\S+)$/m.exec(stdout) ?? [];
    expect(await pageOf(key)).toContain('<bdi>Studio Nine</bdi> asks to:');
  });
});

test('A connect link is not revived when its request is repeated after its row was deleted.', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const body = { provider: 'tiktok' };
  const request = (): Promise<Answer> => world.call('POST', '/api/connect-links', { body, headers });
  const first = await request();
  const repeated = await request();
  expect(repeated.body).toEqual(first.body);
  expect(repeated.headers.get('idempotency-replayed')).toBe('true');
  // Like the sweep, a month after the link's expiry.
  await world.database.db.execute(sql`delete from connect_links`);
  const later = await request();
  expect([later.status, later.headers.get('idempotency-replayed')]).toEqual([201, null]);
  expect(later.body.url).not.toBe(first.body.url);
  const visitor = createVisitor();
  expect((await visitor.get(first.body.url)).status).toBe(400);
  expect((await visitor.get(later.body.url)).status).toBe(200);
  expect((await request()).body).toEqual(later.body);
});
