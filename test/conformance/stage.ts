import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { expect } from 'vitest';
import { readConfig } from '../../config.ts';
import { type Plan, writesOf } from '../../plan.ts';
import { createProviders } from '../../providers/index.ts';
import type { Provider } from '../../providers/provider.ts';
import { jpeg, mp4 } from '../../sandbox/testing/media.ts';
import { serveMedia } from '../media-server.ts';
import { createWorld, until, type Answer, type Json, type World, type WorldOptions } from '../world.ts';
import type { Example, Files } from '../drivers/way.ts';
import type { Person } from '../drivers/sandbox.ts';
import { checkDrivers, countLive, type DrivenWay, providerOf, WAYS } from '../drivers/index.ts';
import { double, mosaic } from '../doubles/mosaic/driver.ts';
import { settingsOf } from '../doubles/mosaic/index.ts';
import { createMosaic } from '../doubles/mosaic/provider.ts';

/* Shared by all cases of the conformance suite: people, posts, and their ends. */

const ENDS = new Set(['published', 'delivered', 'failed', 'cancelled', 'unknown']);

/** Every way to connect an account of a platform of the product, and Mosaic, which needs what none of them does. */
export const CONFORMING: readonly DrivenWay[] = [...WAYS, mosaic];

export type Stage = Awaited<ReturnType<typeof createStage>>;

export async function createStage(options: WorldOptions = {}) {
  const world = await createWorld({ double, ...options });
  const host = await serveMedia();
  const registry = createProviders(readConfig('server', world.env).providers);
  checkDrivers(registry);
  const ofMosaic = createMosaic(settingsOf((name) => world.env[name] ?? ''));
  for (const driver of CONFORMING) await driver.prepare?.(world);
  const files: Files = {
    videoId: await world.upload(),
    imageId: await world.upload(jpeg(), undefined, 'image/jpeg'),
    videoUrl: host.serve('/v.mp4', mp4()),
    imageUrl: host.serve('/i.jpg', jpeg()),
  };
  const people = createPeople(world);
  const posts = createPosts(world);

  return {
    world,
    files,
    ...people,
    ...posts,
    expectOnce: onceChecker(posts),
    withEvery: everyRunner(world, files, people.newPerson),
    provider: (driver: DrivenWay): Provider => (driver === mosaic ? ofMosaic : providerOf(registry, driver)),
    async close(): Promise<void> {
      await world.close();
      await host.close();
    },
  };
}

/** People who connect their accounts. */
function createPeople(world: World) {
  const getAccount = async (id: string, key = world.user.key): Promise<Json> =>
    (await world.call('GET', `/api/accounts/${id}`, { key })).body;

  const consent = (driver: DrivenWay, choice: object, key = world.user.key) =>
    world.visitConsent({ ...choice }, key, driver.provider, driver.method ?? undefined);

  /** Connects a person through the real redirects. */
  async function connect(driver: DrivenWay, person: string, key = world.user.key): Promise<Person> {
    const { answer } = await consent(driver, { creator: person }, key);
    expect(answer).toMatchObject({ status: 200, body: { accounts: [{ id: expect.any(String) }] } });
    const { id } = answer.body.accounts[0];
    return { username: person, method: driver.method, id, openId: (await getAccount(id, key)).openId };
  }

  async function newPerson(driver: DrivenWay, key = world.user.key): Promise<Person> {
    const person = `somebody_${randomUUID().slice(0, 8)}`;
    await driver.addCreator(world, { username: person, method: driver.method });
    return connect(driver, person, key);
  }

  return { getAccount, consent, connect, newPerson };
}

type Posts = ReturnType<typeof createPosts>;

/** Posts, from their request to their end. */
function createPosts(world: World) {
  /** Publishes to an account. */
  function publish(
    driver: DrivenWay,
    accountId: string,
    more: object,
    key = world.user.key,
  ): Promise<Answer> {
    const body = { accountId, allowDuplicate: true, ...more };
    return world.call('POST', driver.publishPath, { body, key });
  }

  /** @returns the post's id */
  async function accepted(driver: DrivenWay, { id }: Person, more: object): Promise<string> {
    const { status, body, text } = await publish(driver, id, more);
    if (status !== 202) throw new Error(`not accepted: ${status} ${text}`);
    return body.id;
  }

  const attempts = async (postId: string): Promise<Json[]> =>
    (await world.call('GET', `/api/debug/attempts?postId=${postId}`, { key: world.secrets.adminKey })).body
      .data;

  async function planOf(postId: string): Promise<Plan> {
    const [post] = await world.database.db.execute<Json>(sql`select plan from posts where id = ${postId}`);
    return post?.['plan'];
  }

  /** Waits until a post has ended in any state. */
  const ended = (id: string): Promise<Json> =>
    until(`post ${id} to end`, async () => {
      const post = await world.getPost(id);
      return ENDS.has(post.state) ? post : null;
    });

  /** The number of an account's posts that are live. */
  const live = (driver: DrivenWay, openId: string): Promise<number> => countLive(driver, world, openId);

  /** Lets a day pass for the account's quotas, and for the posts that wait for them. */
  async function passDay({ id }: Person): Promise<void> {
    await world.database.db.execute(
      sql`update quota_reservations set at = at - interval '25 hours' where oauth_account_id = ${id}`,
    );
    const waiting: Json[] = await world.database.db.execute(
      sql`select id from posts where oauth_account_id = ${id} and state = 'waiting_quota'`,
    );
    for (const post of waiting) await world.skipTime(`post:${post.id}`).catch(() => {});
  }

  return { publish, accepted, attempts, planOf, ended, live, passDay };
}

/** Checks that a post has ended correctly, that every write was accepted exactly once, and that one post exists. */
function onceChecker({ ended, planOf, attempts, live: liveOf }: Posts) {
  return async (
    driver: DrivenWay,
    { openId }: Person,
    id: string,
    { ends, live = 1 }: Example,
  ): Promise<void> => {
    const post = await ended(id);
    expect(post).toMatchObject({ state: ends ?? 'published', error: null });
    const writes = writesOf(await planOf(id));
    const tried = await attempts(id);
    expect(new Set(tried.map(({ step }) => step))).toEqual(new Set(writes));
    const done = tried.filter(({ status }) => status === 'accepted').map(({ step }) => step);
    expect(done).toEqual([...new Set(done)]);
    expect(await liveOf(driver, openId)).toBe(live);
  };
}

/** Runs the same case with every kind of post concurrently, each with its own account. */
function everyRunner(world: World, files: Files, newPerson: (driver: DrivenWay) => Promise<Person>) {
  /** @param begin runs once the accounts are connected */
  return async (
    driver: DrivenWay,
    work: (example: Example, person: Person, label: string) => Promise<void>,
    begin: () => Promise<unknown> = async () => {},
  ): Promise<void> => {
    const all = Object.entries(await driver.examples(files, world));
    const people = await Promise.all(all.map(() => newPerson(driver)));
    await begin();
    const results = await Promise.allSettled(
      all.map(async ([label, example], index) => {
        const person = people[index];
        if (person === undefined) throw new Error('nobody');
        await work(example, person, label).catch((cause: unknown) => {
          const why = cause instanceof Error ? cause.message : String(cause);
          throw new Error(`${label} (${person.id}): ${why}`, { cause });
        });
      }),
    );
    const failed = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => String(reason));
    expect(failed).toEqual([]);
  };
}
