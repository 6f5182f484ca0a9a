import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { accountById } from '../../db/accounts.ts';
import { askForToken, signalAccountChanged } from '../../temporal/keepers.ts';
import { formsOf, histories, tables } from '../places.ts';
import { until, type Json, type World } from '../world.ts';
import type { Example } from '../drivers/way.ts';
import type { Person } from '../drivers/sandbox.ts';
import { CONFORMING, createStage, type Stage } from './stage.ts';

/* The requirements on every provider in the registry for an account: its token, its quotas, its events, its end. */

let stage: Stage;
let world: World;
beforeAll(async () => {
  // The most verbose log level that an operator can choose.
  stage = await createStage({ env: { LOG_LEVEL: 'trace' } });
  ({ world } = stage);
});
afterAll(() => stage?.close());

const rowsOf = async (mark: string): Promise<Json[]> =>
  world.database.db.execute(sql`select * from webhook_events where payload_json::text like ${`%${mark}%`}`);

const expectOnce: Stage['expectOnce'] = (...args) => stage.expectOnce(...args);

/** Secrets that must not be written anywhere, by the driver of their receiver. */
const secrets = new Map<string, Set<string>>();
const SECRET_FIELDS =
  /^(client_secret|code|code_verifier|access_token|refresh_token|token|fb_exchange_token|input_token|upload_token)$/;

/** Tokens, codes and app secrets from the requests that the sandbox received. */
function secretsOf({ path, headers, body }: Json): string[] {
  const { searchParams } = new URL(path, 'http://sandbox');
  const fields = [
    ...searchParams,
    ...Object.entries<string>(typeof body === 'object' && body !== null ? body : {}),
  ];
  const [, bearer] = /^(?:Bearer|OAuth) (.+)$/.exec(headers.authorization ?? '') ?? [];
  const values = fields.filter(([field]) => SECRET_FIELDS.test(field)).map(([, value]) => value);
  return [bearer ?? '', ...values].filter((value) => value.length >= 16);
}

describe.for(CONFORMING)('$label', (driver) => {
  const { provider: name } = driver;
  let person: Person;
  let example: Example;
  beforeEach(async () => {
    onTestFailed(() => world.tell());
    await world.control('DELETE', '/faults');
    await world.control('DELETE', '/requests');
    person = await stage.newPerson(driver);
    [example = { body: {} }] = Object.values(await driver.examples(stage.files, world));
  });

  afterEach(async () => {
    const found = secrets.get(driver.label) ?? new Set<string>();
    for (const request of await world.requests()) for (const secret of secretsOf(request)) found.add(secret);
    secrets.set(driver.label, found);
  });

  const publish = (more: object = {}): Promise<string> =>
    stage.accepted(driver, person, { ...example.body, ...more });
  const debug = async (): Promise<Json> =>
    (await world.call('GET', `/api/debug/accounts/${person.id}`, { key: world.secrets.adminKey })).body;
  const refreshes = async (): Promise<number> => {
    const { refresh } = driver.endpoints;
    if (refresh === null) return 0;
    const [endpoint = '', variant] = refresh.split(':');
    const requests = await world.requests(endpoint);
    return requests.filter(({ path, body }) => JSON.stringify([path, body]).includes(variant ?? '')).length;
  };

  /** Leaves the token so long to live. */
  async function endIn(lifetime: string): Promise<void> {
    await world.database.db.execute(sql`
      update oauth_accounts set issued_at = now() - interval '50 days', expires_at = now() + ${lifetime}::interval
      where id = ${person.id}`);
    await signalAccountChanged(world.temporal, { id: person.id, userId: world.user.id, provider: name });
  }

  /** Moves the token close to its expiry. */
  async function refreshNow(): Promise<void> {
    // The calls of connecting do not count.
    await world.control('DELETE', '/requests');
    await world.database.db.execute(sql`
      update oauth_accounts set issued_at = now() - interval '2 days', expires_at = now() + interval '1 minute'
      where id = ${person.id}`);
    await signalAccountChanged(world.temporal, { id: person.id, userId: world.user.id, provider: name });
  }

  const told = (): { mark: string; openId: string } => ({
    mark: `mark-${randomUUID()}`,
    openId: person.openId,
  });
  const deliveries = async (mark: string): Promise<Json[]> => {
    const all: Json = await world.control('GET', `/${name}/deliveries`);
    return all.filter(({ body }: Json) => body.includes(mark));
  };
  const untilDelivered = (mark: string, count: number): Promise<Json[]> =>
    until(`${count} deliveries`, async () => {
      const done = (await deliveries(mark)).filter(({ state }) => state === 'delivered');
      return done.length === count ? done : null;
    });

  const { refresh } = driver.endpoints;
  // A platform has no cases for what it lacks: none is skipped.
  // oxlint-disable-next-line vitest/no-conditional-tests
  if (refresh === null)
    describe('keeps a token that nothing renews', () => {
      test('until it ends: it warns before, and waits for a new consent afterwards', async () => {
        await endIn('6 days');
        await until('the warning', async () => (await stage.getAccount(person.id)).warning);
        await world.untilPost(await publish(), 'published');
        await endIn('-1 second');
        await until('its end', async () =>
          (await stage.getAccount(person.id)).status === 'reauth_required' ? true : null,
        );
        const id = await publish();
        await world.untilPost(id, 'waiting_account');
        await stage.connect(driver, person.username);
        await expectOnce(driver, person, id, { ...example, live: 2 });
      });

      test('until it is refused: then its posts wait for a new consent', async () => {
        const [endpoint] = Object.keys(driver.endpoints.writes);
        await world.fault({ endpoint, kind: 'status', ...driver.tokenRefusal, times: 0 });
        const id = await publish();
        await world.untilPost(id, 'waiting_account');
        expect(await stage.getAccount(person.id)).toMatchObject({ status: 'reauth_required' });
        await world.control('DELETE', '/faults');
        await stage.connect(driver, person.username);
        await expectOnce(driver, person, id, example);
      });
    });
  else
    describe('keeps a token', () => {
      test('fresh: it refreshes the token once before it expires, and the new one works', async () => {
        await refreshNow();
        await until('the refresh', async () => ((await debug()).tokenVersion === 2 ? true : null));
        expect(await refreshes()).toBe(1);
        expect(await stage.getAccount(person.id)).toMatchObject({
          status: 'active',
          scopes: expect.arrayContaining([...stage.provider(driver).permissions.asked]),
        });
        await expectOnce(driver, person, await publish(), example);
      });

      test('while the provider is down for a while', async () => {
        await world.fault({ endpoint: refresh, kind: 'drop-before' });
        await world.fault({ endpoint: refresh, kind: 'status', http: 503, body: '' });
        await refreshNow();
        await until('the refresh', async () => ((await debug()).tokenVersion === 2 ? true : null));
        await expectOnce(driver, person, await publish(), example);
      });

      test('if the answer of the refresh is lost, or else asks for a new consent', async () => {
        await world.fault({ endpoint: refresh, kind: 'accept-then-drop' });
        await refreshNow();
        await until('the outcome', async () => {
          const { tokenVersion, status } = await debug();
          return tokenVersion === 2 || status !== 'active' ? true : null;
        });
        expect(await stage.getAccount(person.id)).toMatchObject({ status: driver.lostRefresh });
        const id = await publish();
        if (driver.lostRefresh !== 'active') {
          await world.untilPost(id, 'waiting_account');
          await stage.connect(driver, person.username);
        }
        await expectOnce(driver, person, id, example);
      });

      test('with one refresh only: a call that a fresh token cannot make either waits for a new consent', async () => {
        const [endpoint] = Object.keys(driver.endpoints.writes);
        await world.fault({ endpoint, kind: 'status', ...driver.tokenRefusal, times: 0 });
        const id = await publish();
        await world.untilPost(id, 'waiting_account');
        expect((await debug()).tokenVersion).toBe(2);
        await world.control('DELETE', '/faults');
        await stage.connect(driver, person.username);
        await expectOnce(driver, person, id, example);
      });
    });

  describe('keeps to a token', () => {
    test('for a hundred simultaneous refusals, twenty of them posts: one refresh, twenty posts', async () => {
      await driver.allow(world, person, 'many');
      await driver.spoilToken(world, person);
      await world.control('DELETE', '/requests');
      const account = await accountById(world.database.db, person.id);
      if (account === null) throw new Error('no account');
      const asked = Array.from({ length: 80 }, () => askForToken(world.temporal, account));
      const ids = await Promise.all(Array.from({ length: 20 }, () => publish()));
      await Promise.all(asked);
      if (!driver.revives) for (const id of ids) await world.untilPost(id, 'waiting_account');
      const renewals = refresh === null ? 0 : 1;
      await until('the refresh', async () => ((await refreshes()) >= renewals ? true : null));
      expect(await refreshes()).toBe(renewals);
      const { status } = await stage.getAccount(person.id);
      expect(status).toBe(driver.revives ? 'active' : 'reauth_required');
      if (!driver.revives) await stage.connect(driver, person.username);
      const open = async (): Promise<Json[]> =>
        world.database.db.execute(
          sql`select id from posts where oauth_account_id = ${person.id} and state <> ${example.ends ?? 'published'}`,
        );
      await until('all to be out', async () => {
        if ((await open()).length === 0) return true;
        await stage.passDay(person);
        return null;
      });
      expect(await stage.live(driver, person.openId)).toBe(ids.length);
    });

    test('no longer than the user wants: posts wait for a new consent', async () => {
      await driver.removeApp(world, person);
      // If the platform does not tell, the next call finds out.
      if (driver.tell !== undefined)
        await until('the account to be out of service', async () =>
          (await stage.getAccount(person.id)).status === 'reauth_required' ? true : null,
        );
      const id = await publish();
      await world.untilPost(id, 'waiting_account');
      await stage.connect(driver, person.username);
      await expectOnce(driver, person, id, example);
    });
  });

  describe('respects quotas', () => {
    beforeEach(() => driver.allow(world, person, 'one'));

    test('a post over the limit waits, says so, and is published when it may be', async () => {
      await expectOnce(driver, person, await publish(), example);
      const id = await publish();
      const waiting = await world.untilPost(id, 'waiting_quota');
      expect(new Date(waiting.next.at).getTime()).toBeGreaterThan(Date.now());
      expect(await stage.live(driver, person.openId)).toBe(1);
      await driver.allow(world, person, 'many');
      await until('the post to be out', async () => {
        await stage.passDay(person);
        return (await world.getPost(id)).state === (example.ends ?? 'published') ? true : null;
      });
      expect(await stage.live(driver, person.openId)).toBe(2);
    });

    test('a post over the limit fails at once if it may not wait', async () => {
      await expectOnce(driver, person, await publish(), example);
      const answer = await stage.publish(driver, person.id, { ...example.body, onQuota: 'fail' });
      // If nobody knows the limit, the post that meets it is the first to know.
      const tells = stage.provider(driver).limits !== undefined;
      const error = tells ? answer.body.error : (await stage.ended(answer.body.id)).error;
      const used = { limit: 1, used: 1, remaining: 0, resetAt: expect.any(String) };
      expect(answer.status).toBe(tells ? 429 : 202);
      expect(error).toMatchObject({ code: 'quota_exceeded', retryable: true, details: tells ? used : {} });
      expect(await stage.live(driver, person.openId)).toBe(1);
      await driver.allow(world, person, 'many');
    });
  });

  const { tell } = driver;
  test('has addresses for webhooks if its platform sends any', async () => {
    const address = `/api/webhooks/${name}`;
    const callbacks = [address, `${address}/deauthorize`, `${address}/data-deletion`];
    const form = {
      key: null,
      body: 'signed_request=a.b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    };
    const answers = [
      await world.call('GET', address, { key: null }),
      ...(await Promise.all(callbacks.map((path) => world.call('POST', path, form)))),
    ];
    const unknown = answers.filter(
      ({ status, body }) => status === 404 && body.error.code === 'provider_not_configured',
    );
    expect(unknown).toHaveLength(stage.provider(driver).webhooks === undefined ? answers.length : 0);
  });

  // oxlint-disable-next-line vitest/no-conditional-tests
  if (tell !== undefined)
    describe('receives webhooks', () => {
      test('an event of an unknown type, delivered twice, is stored and applied once', async () => {
        const event = told();
        await world.control('POST', '/webhooks', { duplicate: 1 });
        await tell(world, [event], driver.method);
        await untilDelivered(event.mark, 2);
        await until('the event', async () =>
          (await rowsOf(event.mark))[0]?.processed_at == null ? null : true,
        );
        expect(await rowsOf(event.mark)).toMatchObject([{ provider: name, error_message: null }]);
      });

      test('an event about an unknown account is stored', async () => {
        const event = { ...told(), openId: '17840000000000001' };
        await tell(world, [event], driver.method);
        await untilDelivered(event.mark, 1);
        expect(await rowsOf(event.mark)).toMatchObject([{ provider: name }]);
      });

      test('a forged event is refused and audited, but not stored', async () => {
        const event = { ...told(), secret: 'f'.repeat(48) };
        await tell(world, [event], driver.method);
        const attempts = await until<Json>('the answer', async () => {
          const [delivery] = await deliveries(event.mark);
          return delivery !== undefined && delivery.attempts.length > 0 ? delivery.attempts : null;
        });
        expect(attempts[0]).toMatchObject({ status: 401 });
        expect(await rowsOf(event.mark)).toEqual([]);
        const noted = await world.database.db.execute(
          sql`select 1 from audit_log where action = 'webhook.refused' and subject = ${name}`,
        );
        expect(noted.length).toBeGreaterThan(0);
      });

      test('several events in one body are each stored separately, if it sends such bodies', async () => {
        const events = Array.from({ length: 5 }, told);
        await tell(world, events, driver.method);
        for (const { mark } of events) {
          await until('the event', async () => ((await rowsOf(mark))[0]?.processed_at == null ? null : true));
          expect(await rowsOf(mark)).toHaveLength(1);
          expect(await deliveries(mark)).toHaveLength(1);
        }
        const requests = new Set(
          (await Promise.all(events.map(({ mark }) => deliveries(mark)))).flat().map(({ id }) => id),
        );
        expect(requests.size).toBe(driver.batches ? 1 : events.length);
      });

      test('the URL check and the app’s removal work if it declares them, and are clearly refused otherwise', async () => {
        const { webhooks } = stage.provider(driver);
        const handshake = webhooks?.handshake !== undefined;
        const signedUser = webhooks?.signedUser !== undefined;
        const ask = (token: string): Promise<Json> =>
          world.call(
            'GET',
            `/api/webhooks/${name}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${token}`,
            { key: null },
          );
        const call = (callback: string): Promise<Json> =>
          world.call('POST', `/api/webhooks/${name}/${callback}`, {
            key: null,
            body: 'signed_request=forged.e30',
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
          });
        const refused = { status: 404, body: { error: { code: 'callback_not_supported' } } };
        expect(await ask(world.secrets.verifyToken)).toMatchObject(
          !handshake ? refused : { status: 200, text: '1158201444' },
        );
        expect(await ask('guessed')).toMatchObject(!handshake ? refused : { status: 403 });
        for (const callback of ['deauthorize', 'data-deletion'])
          expect(await call(callback)).toMatchObject(
            !signedUser ? refused : { status: 401, body: { error: { code: 'invalid_signature' } } },
          );
        expect(await stage.getAccount(person.id)).toMatchObject({ status: 'active' });
      });
    });

  test('shows its limits if it declares to', async () => {
    const { limits } = stage.provider(driver);
    const answer = await world.call('GET', `/api/${name}/limits?accountId=${person.id}`);
    const answered = {
      quotas: expect.arrayContaining([expect.objectContaining({ limit: expect.any(Number), used: 0 })]),
    };
    const refused = { error: { code: 'route_not_found' } };
    expect(answer).toMatchObject(
      limits === undefined ? { status: 404, body: refused } : { status: 200, body: answered },
    );
  });

  test('deletes live posts if it declares to', async () => {
    const { deletion } = stage.provider(driver);
    const id = await publish({});
    const { providerPostId } = await stage.ended(id);
    const answer = await world.call('DELETE', `/api/posts/${id}`);
    const refused = { error: { code: 'deletion_not_supported' } };
    expect(answer).toMatchObject(deletion === undefined ? { status: 422, body: refused } : { status: 202 });
    if (deletion !== undefined)
      await until('the deletion', async () => (await world.getPost(id)).deletedAt ?? null);
    const deleted = (await world.requests()).filter(
      ({ method, path }) => method === 'DELETE' && path.includes(providerPostId),
    );
    expect(deleted).toHaveLength(deletion === undefined ? 0 : 1);
  });

  test('can be disconnected: access revoked if possible, tokens wiped, posts cancelled', async () => {
    const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
    const scheduled = await publish({ scheduledAt });
    // The calls of connecting do not count.
    await world.control('DELETE', '/requests');
    expect((await world.call('DELETE', `/api/accounts/${person.id}`)).status).toBe(204);
    await until('the tokens to be wiped', async () => {
      const { hasAccessToken, hasRefreshToken } = await debug();
      return hasAccessToken === true || hasRefreshToken === true ? null : true;
    });
    expect(await stage.ended(scheduled)).toMatchObject({ state: 'cancelled' });
    const { revoke } = driver.endpoints;
    const givenBack = revoke === null ? [] : await world.requests(revoke);
    expect(givenBack.map(({ status }) => status)).toEqual(revoke === null ? [] : [200]);
    expect(await stage.getAccount(person.id)).toMatchObject({ status: 'disconnected' });
    const { body } = await world.call('GET', '/api/accounts?limit=200');
    expect(body.data.filter(({ id }: Json) => id === person.id)).toEqual([]);
    const late = await stage.publish(driver, person.id, example.body);
    expect(late.body.error).toMatchObject({ code: 'account_disconnected' });
    expect(await stage.connect(driver, person.username)).toEqual(person);
    await expectOnce(driver, person, await publish(), example);
  });

  test('is a separate account for each tenant, invisible to other tenants', async () => {
    const other = await world.newUser();
    const theirs = await stage.connect(driver, person.username, other.key);
    expect(theirs.id).not.toBe(person.id);
    expect(theirs.openId).toBe(person.openId);
    const post = await publish();
    await expectOnce(driver, person, post, example);
    const asOther = { key: other.key };
    for (const [method, path] of [
      ['GET', `/api/accounts/${person.id}`],
      ['DELETE', `/api/accounts/${person.id}`],
      ['GET', `/api/posts/${post}`],
      ['POST', `/api/posts/${post}/cancel`],
    ] as const)
      expect((await world.call(method, path, asOther)).status).toBe(404);
    const foreign = await stage.publish(driver, person.id, example.body, other.key);
    const unknown = await stage.publish(driver, randomUUID(), example.body, other.key);
    expect([foreign.status, foreign.body.error.code]).toEqual([404, 'account_not_found']);
    expect([unknown.status, unknown.body.error.code]).toEqual([404, 'account_not_found']);
    expect((await world.call('GET', '/api/posts', asOther)).body.data).toEqual([]);
    expect(await stage.getAccount(person.id)).toMatchObject({ status: 'active' });
    // Disconnecting one tenant's account does not affect the other's.
    expect((await world.call('DELETE', `/api/accounts/${theirs.id}`, asOther)).status).toBe(204);
    expect(await stage.getAccount(person.id)).toMatchObject({ status: 'active' });
  });
});

test('writes no token, code or app secret to a log, a table or a history', async () => {
  expect(CONFORMING.filter(({ label }) => (secrets.get(label)?.size ?? 0) < 10)).toEqual([]);
  const places = [
    ...world.logFiles.map((file) => ({ name: file, content: readFileSync(file) })),
    ...(await tables(world)),
    ...(await histories(world)),
  ];
  expect(places.filter(({ name }) => name.startsWith('history of post:'))).not.toEqual([]);
  const findings = new Set<string>();
  for (const [label, values] of secrets)
    for (const forms of [...values].map(formsOf))
      for (const { name, content } of places)
        if (forms.some((form) => content.includes(form))) findings.add(`${label} in ${name}`);
  expect([...findings]).toEqual([]);
});
