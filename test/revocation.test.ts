import process from 'node:process';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { betweenConnects } from '../api/connect-order.ts';
import { createVisitor } from '../stack/visitor.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/* Revoking one token ends everything that the creator has granted our app, so it must never hit a newer login. */

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
});

/** How to revoke each way to connect, and a call that needs only a valid token. */
const WAYS = {
  tiktok: {
    provider: 'tiktok',
    method: undefined,
    revocation: 'oauth.revoke',
    exchange: 'oauth.token',
    alive: '/api/tiktok/creator-info',
  },
  facebook: {
    provider: 'instagram',
    method: undefined,
    revocation: 'instagram.permissions',
    exchange: 'instagram.token',
    alive: '/api/instagram/limits',
  },
} as const;
type Way = (typeof WAYS)[keyof typeof WAYS];

async function connect({ provider, method }: Way, key = world.user.key): Promise<string> {
  const { answer } = await world.visitConsent({}, key, provider, method);
  expect(answer.text).toContain('accounts');
  return answer.body.accounts[0].id;
}

const disconnect = (id: string, key = world.user.key): Promise<Answer> =>
  world.call('DELETE', `/api/accounts/${id}`, { key });

async function expectAlive({ alive }: Way, id: string, key = world.user.key): Promise<void> {
  const { status, text } = await world.call('GET', `${alive}?accountId=${id}`, { key });
  expect({ status, text }).toMatchObject({ status: 200 });
  expect((await world.call('GET', `/api/accounts/${id}`, { key })).body.status).toBe('active');
}

const sent = async ({ revocation }: Way): Promise<Json[]> =>
  (await world.requests(revocation)).filter((row) => row.method !== 'GET');
const untilSent = (way: Way): Promise<true> =>
  until('the revocation to be sent', async () => ((await sent(way)).length > 0 ? true : null));
/** No revocation is running, and none waits. */
const untilQuiet = (): Promise<true> =>
  until('the revocation to end', async () => {
    const rows = await world.database.db.execute(sql`
      select from oauth_accounts where status = 'disconnected' and access_token_encrypted is not null
      union all select from grant_calls where expires_at > now()`);
    return rows.length === 0 ? true : null;
  });

describe.each(Object.entries(WAYS))('%s: a revocation that takes two seconds', (_name, way) => {
  beforeEach(async () => {
    await connect(way).then(disconnect);
    await untilQuiet();
    await world.control('DELETE', '/requests');
  });
  const slow = (): Promise<unknown> => world.fault({ endpoint: way.revocation, kind: 'slow', ms: 2000 });

  test('is over when DELETE answers, and the next login stays valid', async () => {
    onTestFailed(() => world.tell());
    const id = await connect(way);
    await slow();
    expect((await disconnect(id)).status).toBe(204);
    expect(await sent(way)).toMatchObject([{ status: 200 }]);
    expect(await connect(way)).toBe(id);
    await expectAlive(way, id);
  });

  test('delays a login that starts meanwhile, even another tenant’s', async () => {
    onTestFailed(() => world.tell());
    const id = await connect(way);
    const other = await world.newUser();
    await slow();
    const gone = disconnect(id);
    await untilSent(way);
    const [mine, theirs] = [await connect(way), await connect(way, other.key)];
    expect((await gone).status).toBe(204);
    await untilQuiet();
    await expectAlive(way, mine);
    await expectAlive(way, theirs, other.key);
    await disconnect(theirs, other.key);
  });

  test('is not sent during a login’s code exchange, which then keeps the grant', async () => {
    onTestFailed(() => world.tell());
    const id = await connect(way);
    const other = await world.newUser();
    await world.fault({ endpoint: way.exchange, kind: 'slow', ms: 2000 });
    const coming = connect(way, other.key);
    await until('the exchange', async () => {
      const rows = await world.database.db.execute(sql`select from grant_calls where kind = 'exchange'`);
      return rows.length > 0 ? true : null;
    });
    expect((await disconnect(id)).status).toBe(204);
    const theirs = await coming;
    await untilQuiet();
    expect(await sent(way)).toEqual([]);
    await expectAlive(way, theirs, other.key);
    await disconnect(theirs, other.key);
  });

  test('is not sent while its creator is on the consent page again, nor after they have come back', async () => {
    onTestFailed(() => world.tell());
    const id = await connect(way);
    await world.fault({ endpoint: way.revocation, kind: 'status', http: 503 });
    const gone = disconnect(id);
    await untilSent(way);
    expect(await connect(way)).toBe(id);
    expect((await gone).status).toBe(204);
    await untilQuiet();
    await expectAlive(way, id);
  });
});

test('A consent page opened right before does not delay a revocation.', async () => {
  onTestFailed(() => world.tell());
  const way = WAYS.tiktok;
  const id = await connect(way);
  await world.control('DELETE', '/requests');
  const link = await world.call('POST', '/api/connect-links', { body: { provider: way.provider } });
  await createVisitor().openLink(link.body.url);
  expect((await disconnect(id)).status).toBe(204);
  expect(await sent(way)).toMatchObject([{ status: 200 }]);
  let given = false;
  const grant = { provider: way.provider, userId: world.user.id, patienceMs: 0 };
  await betweenConnects(world.database.db, grant, async () => void (given = true));
  expect(given).toBe(true);
});

test('a revocation whose worker has died delays logins until it cannot take effect any more', async () => {
  onTestFailed(() => world.tell());
  const way = WAYS.tiktok;
  const id = await connect(way);
  await world.control('DELETE', '/requests');
  await world.fault({ endpoint: way.revocation, kind: 'slow', ms: 4000 });
  const gone = disconnect(id);
  await untilSent(way);
  process.kill(world.children.at(-1)?.pid ?? 0, 'SIGKILL');
  const again = await connect(way);
  expect(again).toBe(id);
  await world.spawn('worker');
  expect((await gone).status).toBe(204);
  await untilQuiet();
  await expectAlive(way, id);
  expect(await sent(way)).toHaveLength(1);
});
