import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createVisitor } from '../../stack/visitor.ts';
import { until, type Json, type World } from '../world.ts';
import { CONFORMING, createStage, type Stage } from './stage.ts';

/*
 * The requirements on every provider in the registry, over its sandbox: connecting, publishing, surviving lost answers.
 */

let stage: Stage;
let world: World;
beforeAll(async () => {
  stage = await createStage();
  ({ world } = stage);
});
afterAll(() => stage?.close());

const accounts = async (): Promise<number> =>
  (await world.call('GET', '/api/accounts?limit=200')).body.data.length;

const expectOnce: Stage['expectOnce'] = (...args) => stage.expectOnce(...args);

/** Every injected fault must have happened, or the case proves nothing. */
async function expectHit(kind: string): Promise<void> {
  const armed: Json = await world.control('GET', '/faults');
  expect((armed.faults ?? armed).filter(({ spec }: Json) => spec.kind === kind)).toEqual([]);
}

describe.for(CONFORMING)('$label', (driver) => {
  const { provider: name } = driver;
  beforeEach(async () => {
    await world.control('DELETE', '/faults');
    await world.control('DELETE', '/consent');
    onTestFailed(() => world.tell());
  });

  async function arm(kind: string): Promise<void> {
    for (const [endpoint, times] of Object.entries(driver.endpoints.writes))
      await world.fault({ endpoint, kind, times });
  }

  async function cutOff(): Promise<void> {
    for (const endpoint of driver.endpoints.others) {
      await world.fault({ endpoint, kind: 'accept-then-drop' });
      await world.fault({ endpoint, kind: 'status', http: 503, body: '', times: 2 });
    }
  }

  describe('connects', () => {
    test('a creator who grants access, with a name, permissions and a token keeper', async () => {
      const { id } = await stage.newPerson(driver);
      const account = await stage.getAccount(id);
      expect(account).toMatchObject({
        provider: name,
        method: stage.provider(driver).method ?? null,
        status: 'active',
        username: expect.any(String),
        scopes: expect.arrayContaining([...stage.provider(driver).permissions.asked]),
      });
      expect(new Date(account.expiresAt).getTime()).toBeGreaterThan(Date.now() + 3_600_000);
      const { oauth } = stage.provider(driver);
      const hasNoEnd = oauth.renewsItself === true || oauth.refresh === undefined;
      expect(account.refreshExpiresAt === null).toBe(hasNoEnd);
      await until('the keeper of its token', async () => {
        const keeper = world.temporal.workflow.getHandle(`token:${name}:${id}`);
        return (await keeper.describe().catch(() => null))?.status.name === 'RUNNING' ? true : null;
      });
    });

    test('the same person again as the same account', async () => {
      const person = await stage.newPerson(driver);
      expect(await stage.connect(driver, person.username)).toEqual(person);
    });

    test('no creator who denies access', async () => {
      const before = await accounts();
      const { answer } = await stage.consent(driver, { decision: 'deny' });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'access_denied' } } });
      expect(await accounts()).toBe(before);
    });

    test('no creator who declines required permissions, and names these', async () => {
      const before = await accounts();
      const { scopes, missing } = driver.incomplete;
      const { answer } = await stage.consent(driver, { scopes });
      expect(answer).toMatchObject({
        status: 400,
        body: { error: { code: 'missing_scopes', details: { scopes: missing } } },
      });
      expect(await accounts()).toBe(before);
    });

    test('no attempt with a state that is forged, of another provider, or used before', async () => {
      const person = `somebody_${randomUUID().slice(0, 8)}`;
      await driver.addCreator(world, { username: person, method: driver.method });
      const link = await world.call('POST', '/api/connect-links', {
        body: { provider: name, ...(driver.method === null ? {} : { method: driver.method }) },
      });
      const visitor = createVisitor();
      const start = await visitor.openLink(link.body.url);
      await world.control('POST', '/consent', { decision: 'approve', provider: name, creator: person });
      const page = await fetch(start.location ?? '', { redirect: 'manual' });
      const callback = page.headers.get('location') ?? '';
      const other = CONFORMING.find(({ provider }) => provider !== name)?.provider ?? '';
      const visit = async (url: string): Promise<Json> => {
        const { status, text } = await visitor.get(url, { accept: 'application/json' });
        return [status, JSON.parse(text).error?.code];
      };
      const forged = new URL(callback);
      forged.searchParams.set('state', randomUUID());
      expect(await visit(forged.href)).toEqual([400, 'invalid_state']);
      expect(await visit(callback.replace(`/auth/${name}/`, `/auth/${other}/`))).toEqual([
        400,
        'invalid_state',
      ]);
      expect(await visit(callback)).toEqual([200, undefined]);
      expect(await visit(callback)).toEqual([400, 'invalid_state']);
    });
  });

  describe('publishes', () => {
    test('every kind of post that the API accepts, which are all cases here', async () => {
      const { body: api } = await world.call('GET', '/openapi.json', { key: null });
      const content = api.paths[driver.publishPath].post.requestBody.content['application/json'];
      const { properties, required }: Json = content.schema;
      const bodies = Object.values(await driver.examples(stage.files, world)).map(({ body }) => body);
      const choices = required.filter((field: string) => properties[field].enum !== undefined);
      expect(choices).not.toEqual([]);
      for (const field of choices)
        expect(new Set(bodies.map((body) => body[field]))).toEqual(new Set(properties[field].enum));
      // Replies change the plan.
      expect(bodies.some((body) => 'replies' in body)).toBe('replies' in properties);
    });

    test('every kind of post, once', async () => {
      await stage.withEvery(driver, async (example, person) => {
        const id = await stage.accepted(driver, person, example.body);
        await expectOnce(driver, person, id, example);
        expect(await world.getPost(id)).toMatchObject({ provider: name, publishId: expect.any(String) });
      });
    });

    test.for(['accept-then-drop', 'accept-then-500', 'truncated'])(
      'every kind of post once if the answers of its writes are lost (%s)',
      async (kind) => {
        await arm(kind);
        await stage.withEvery(driver, async (example, person) => {
          const id = await stage.accepted(driver, person, example.body);
          await expectOnce(driver, person, id, example);
        });
        await expectHit(kind);
      },
    );

    test('every kind of post once if its calls do not arrive, or not at all if that cannot be known', async () => {
      await arm('drop-before');
      await stage.withEvery(driver, async (example, person) => {
        const id = await stage.accepted(driver, person, example.body);
        const mayBeLive = (await stage.planOf(id)).some(
          (step) => step.kind === 'write' && step.lost === 'reconcile',
        );
        if (driver.tellsOfNothing || !mayBeLive) return expectOnce(driver, person, id, example);
        await until('the search', async () =>
          (await world.getPost(id)).phase === 'reconciling' ? true : null,
        );
        await world.skipTime(`post:${id}`);
        expect(await stage.ended(id)).toMatchObject({ state: 'unknown', error: { code: 'outcome_unknown' } });
        expect(await stage.live(driver, person.openId)).toBe(0);
      });
      await expectHit('drop-before');
    });

    test('every kind of post once if its calls and the look-ups after them are cut off', async () => {
      await stage.withEvery(
        driver,
        async (example, person) => {
          const id = await stage.accepted(driver, person, example.body);
          await expectOnce(driver, person, id, example);
        },
        cutOff,
      );
      await expectHit('accept-then-drop');
    });

    const { carousel } = driver;
    if (carousel === undefined) return;
    test('a carousel whose parts expired while it waited', async () => {
      const example = (await driver.examples(stage.files, world))['a carousel'];
      if (example === undefined) throw new Error(`${driver.label} has no carousel`);
      const person = await stage.newPerson(driver);
      await world.fault({ endpoint: carousel, kind: 'status', http: 500, code: '2', times: 3 });
      const id = await stage.accepted(driver, person, example.body);
      await until(
        'the carousel to be asked for',
        async () => (await world.requests()).some(({ fault }) => fault !== undefined) || null,
      );
      await world.control('POST', '/clock', { advanceMs: 25 * 3_600_000 });
      expect(await stage.ended(id)).toMatchObject({ state: 'published' });
      expect(await stage.live(driver, person.openId)).toBe(1);
    });
  });
});
