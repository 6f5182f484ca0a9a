import process from 'node:process';
import { defaultPayloadConverter } from '@temporalio/common';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { type Plan, writesOf } from '../../plan.ts';
import type { Child } from '../../stack/child.ts';
import { until, type Json, type World } from '../world.ts';
import type { Example } from '../drivers/way.ts';
import type { Person } from '../drivers/sandbox.ts';
import type { DrivenWay } from '../drivers/index.ts';
import { CONFORMING, createStage, type Stage } from './stage.ts';

/*
 * Kills a worker at the steps of every plan of every provider. At every write separately, caught at two changes of its
 * attempt in the database: at `prepared` before its call, and after its call with an answer that is not recorded yet.
 * At every other step name of the plans (uploads and polls), while it is running for at least one post and the others
 * are anywhere.
 */

/** `PENDING_ACTIVITY_STATE_STARTED` of Temporal's API. */
const STARTED = 2;

let stage: Stage;
let world: World;
let worker: Child;
beforeAll(async () => {
  stage = await createStage();
  ({ world } = stage);
  const first = world.children.find((child) => child.name === 'worker');
  if (first === undefined) throw new Error('no worker');
  worker = first;
  await setTrap();
});
afterAll(() => stage?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  onTestFailed(() => world.tell());
});

/** Where a write is caught: its attempt's status, and the next one. */
const MOMENTS = [
  { moment: 'before its call', was: 'prepared', becomes: 'sent' },
  { moment: 'after its call', was: 'sent', becomes: 'accepted' },
];

/** Blocks the change of every attempt in `traps` until its connection ends. */
async function setTrap(): Promise<void> {
  const { db } = world.database;
  await db.execute(sql`create table traps (account uuid, step text, was text, becomes text)`);
  await db.execute(sql`
    create function fall_into_trap() returns trigger language plpgsql as $$
    begin
      if exists (select from traps t join posts p on p.oauth_account_id = t.account
          where p.id = new.post_id and t.step = new.step and t.was = old.status and t.becomes = new.status)
      then perform pg_sleep(600); end if;
      return new;
    end $$`);
  await db.execute(sql`
    create trigger trap before update on publish_attempts for each row execute function fall_into_trap()`);
}

const caught = async (): Promise<Json[]> =>
  world.database.db.execute(
    sql`select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
  );

/** The most traps at once: each holds one of the worker's twenty connections, and the rest of its work needs some. */
const MOST_CAUGHT = 6;
/** On a busy machine a write at the end of its plan comes late. */
const PATIENCE_MS = 300_000;

/** Kills the worker once all trapped writes are in their traps, and starts another one. */
async function killCaught(count: number): Promise<void> {
  await until(
    `${count} writes to be caught`,
    async () => ((await caught()).length === count ? true : null),
    PATIENCE_MS,
  );
  const { db } = world.database;
  await db.execute(sql`delete from traps`);
  await killWorker();
  for (const { pid } of await caught()) await db.execute(sql`select pg_terminate_backend(${pid})`);
}

async function killWorker(): Promise<void> {
  process.kill(worker.pid, 'SIGKILL');
  await worker.exited;
  worker = await world.spawn('worker');
}

/** The step of a post that a worker has started and not finished; null: none. */
async function stepUnderWay(postId: string): Promise<string | null> {
  const workflow = world.temporal.workflow.getHandle(`post:${postId}`);
  const { raw } = await workflow.describe();
  const begun = raw.pendingActivities?.find(({ state }) => Number(state) === STARTED)?.activityId;
  if (begun === undefined) return null;
  const { events } = await workflow.fetchHistory();
  const scheduled = events
    ?.map(({ activityTaskScheduledEventAttributes: activity }) => activity)
    .find((activity) => activity?.activityId === begun);
  const [payload] = scheduled?.input?.payloads ?? [];
  return payload == null
    ? null
    : (defaultPayloadConverter.fromPayload<{ step?: string }>(payload).step ?? null);
}

/**
 * Kills the worker until each of these steps was running at one of the kills.
 * @param postIds the existing posts, and those still to come
 */
async function killAtEach(steps: Iterable<string>, postIds: readonly string[]): Promise<void> {
  const left = new Set(steps);
  const underWay = async (): Promise<string[]> => {
    const now = await Promise.all(postIds.map(stepUnderWay));
    return now.filter((step) => step !== null).filter((step) => left.has(step));
  };
  while (left.size > 0) {
    await until(`one of ${[...left].join(', ')}`, async () => ((await underWay()).length > 0 ? true : null));
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    // A step that still looks started after the kill was running; Temporal notices after some seconds.
    for (const step of await underWay()) left.delete(step);
    worker = await world.spawn('worker');
  }
}

/** Every plan of a provider, from a dry run without publishing. */
async function plansOf(driver: DrivenWay): Promise<{ label: string; example: Example; plan: Plan }[]> {
  const examples = Object.entries(await driver.examples(stage.files, world));
  return Promise.all(
    examples.map(async ([label, example]) => {
      const { id } = await stage.newPerson(driver);
      const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
      const post = await stage.accepted(
        driver,
        { username: label, method: driver.method, id, openId: '' },
        { ...example.body, scheduledAt },
      );
      return { label, example, plan: await stage.planOf(post) };
    }),
  );
}

async function everyWrite(driver: DrivenWay): Promise<{ label: string; example: Example; step: string }[]> {
  return (await plansOf(driver)).flatMap(({ label, example, plan }) =>
    writesOf(plan).map((step) => ({ label, example, step })),
  );
}

const expectOnce: Stage['expectOnce'] = (...args) => stage.expectOnce(...args);

describe.for(CONFORMING)('$label, killed', (driver) => {
  test.for(MOMENTS)(
    'at every write of every plan, $moment',
    { timeout: 900_000 },
    async ({ was, becomes }) => {
      const writes = await everyWrite(driver);
      const posts: { label: string; step: string; example: Example; person: Person; id: string }[] = [];
      for (let first = 0; first < writes.length; first += MOST_CAUGHT) {
        const group = writes.slice(first, first + MOST_CAUGHT).map(async ({ label, example, step }) => {
          const person: Person = await stage.newPerson(driver);
          await world.database.db.execute(
            sql`insert into traps values (${person.id}, ${step}, ${was}, ${becomes})`,
          );
          const id = await stage.accepted(driver, person, example.body);
          return { label, step, example, person, id };
        });
        posts.push(...(await Promise.all(group)));
        await killCaught(group.length);
      }
      const results = await Promise.allSettled(
        posts.map(async ({ label, step, example, person, id }) =>
          expectOnce(driver, person, id, example).catch((cause: unknown) => {
            throw new Error(`${label}, ${step} (${id}): ${String(cause)}`, { cause });
          }),
        ),
      );
      expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    },
  );

  test('at every other step of its plans', { timeout: 600_000 }, async () => {
    const { others, details } = driver.endpoints;
    const steps = (await plansOf(driver)).flatMap(({ plan }) => plan.filter(({ kind }) => kind !== 'write'));
    const postIds: string[] = [];
    let killing: Promise<void> | null = null;
    const slow = async (): Promise<void> => {
      for (const endpoint of others) await world.fault({ endpoint, kind: 'slow', ms: 5000, times: 0 });
      // Otherwise the previous write has the answer, and there is nothing left to ask.
      if (details !== undefined)
        await world.fault({ endpoint: details, kind: 'status', http: 503, body: '', times: 0 });
    };
    await stage.withEvery(
      driver,
      async (example, person) => {
        const id = await stage.accepted(driver, person, example.body);
        postIds.push(id);
        killing ??= killAtEach(
          steps.map(({ name }) => name),
          postIds,
        );
        await killing;
        await world.control('DELETE', '/faults');
        await expectOnce(driver, person, id, example);
      },
      slow,
    );
  });

  test('the server, while the platform fetches files from it', async () => {
    const server = world.children.findLast((child) => child.name === 'server');
    if (server === undefined) throw new Error('no server');
    const first = Object.keys(driver.endpoints.writes)[0] ?? '';
    await world.control('DELETE', '/requests');
    const away = async (): Promise<void> => {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      await until('a write meanwhile', async () =>
        (await world.requests()).some(({ endpoint }) => endpoint.startsWith(first)) ? true : null,
      );
      await world.spawn('server');
      await until(
        'the server',
        async () => ((await fetch(`${world.url}/livez`).catch(() => null))?.ok ?? null) || null,
      );
    };
    const posts: (() => Promise<void>)[] = [];
    await stage.withEvery(driver, async (example, person) => {
      // Late enough for all of them to be accepted first.
      const scheduledAt = new Date(Date.now() + 8_000).toISOString();
      const id = await stage.accepted(driver, person, { ...example.body, scheduledAt });
      posts.push(() => expectOnce(driver, person, id, example));
    });
    await away();
    await Promise.all(posts.map((check) => check()));
  });
});
