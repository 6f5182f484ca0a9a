import process from 'node:process';
import { getTableName, type SQL, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { columnOf } from '../../db/sync/copy-columns.ts';
import { addTables, tablesOf } from '../../db/registry.ts';
import type { StreamName } from '../../reading.ts';
import { createCreator } from '../../sandbox/testing/creator.ts';
import { mosaicTables } from '../doubles/mosaic/tables.ts';
import type { DrivenWay } from '../drivers/index.ts';
import type { Person } from '../drivers/sandbox.ts';
import { until, type Json, type World } from '../world.ts';
import { record } from './record.ts';
import { CONFORMING, createStage, type Stage } from './stage.ts';

/* Every provider that can be read is copied the same way, whatever its lists are like. */

const DAY = 86_400_000;

let stage: Stage;
let world: World;
beforeAll(async () => {
  addTables('mosaic', mosaicTables);
  stage = await createStage({ env: { EVERPOST_SYNC: 'on' } });
  ({ world } = stage);
});
afterAll(() => stage?.close());
beforeEach(() => onTestFailed(() => world.tell()));

const rows = (query: SQL): Promise<Json[]> => world.database.db.execute<Json>(query);

/** The lines of an account, by stream. */
async function linesOf({ id }: Person): Promise<Partial<Record<StreamName, Json>>> {
  const { body } = await world.call('GET', `/api/accounts/${id}/sync`);
  return Object.fromEntries(body.data.map((line: Json) => [line['stream'], line]));
}

const firstPass = (person: Person): Promise<Json> =>
  until('the first pass', async () => {
    const { media } = await linesOf(person);
    return media?.['lastSuccessAt'] == null ? null : media;
  });

/** Asks for a full pass over the list of media, and waits for its end. */
async function pass(person: Person): Promise<Json> {
  const before = (await linesOf(person)).media?.['lastSuccessAt'];
  const body = { mode: 'full', streams: ['media'] };
  expect(await world.call('POST', `/api/accounts/${person.id}/sync`, { body })).toMatchObject({
    status: 202,
  });
  return until('the end of the pass', async () => {
    const { media } = await linesOf(person);
    return media?.['state'] === 'idle' && media['lastSuccessAt'] !== before ? media : null;
  });
}

/** The copies of the media of a person, by the provider's id. */
async function copies(driver: DrivenWay, { id }: Person): Promise<Map<string, Json>> {
  const { copies: own } = tablesOf(driver.provider);
  if (own === undefined) throw new Error(`${driver.provider} has no copies`);
  const { media } = own;
  const found = await rows(sql`
    select *, ${columnOf(media.table, media.key)} as key from ${sql.identifier(getTableName(media.table))}
    where ${media.ofAccount(id)}`);
  return new Map(found.map((row) => [row['key'], row]));
}

const changesOf = async ({ id }: Person): Promise<string[]> =>
  (await rows(sql`select kind from changes where oauth_account_id = ${id} order by seq`)).map(
    ({ kind }) => kind,
  );

describe.for(CONFORMING)('$label', (driver) => {
  const creator = () => createCreator(world.sandbox.url, driver.provider);
  const isProved = (): boolean =>
    stage.provider(driver).reading?.streams.find(({ name }) => name === 'media')?.absence === 'full_pass';

  /** A person with so many media that Everpost did not publish, oldest first. */
  async function personWith(count: number): Promise<{ person: Person; ids: string[] }> {
    const person = await stage.newPerson(driver);
    await firstPass(person);
    const account = person.openId;
    const ids =
      count === 0
        ? []
        : await creator().makeMany({ account, text: 'theirs', createdAt: Date.now() - DAY, count });
    await pass(person);
    return { person, ids };
  }

  test('has a line for every stream; those that it has not are unsupported, with a reason', async () => {
    const { person } = await personWith(0);
    const lines = await linesOf(person);
    const reading = stage.provider(driver).reading;
    for (const [stream, line] of Object.entries(lines)) {
      const isKnown = reading?.streams.some(({ name }) => name === stream) === true;
      const isExplained = line['state'] === 'unsupported' && line['reason'] !== null;
      expect([stream, isExplained]).toEqual([stream, !isKnown]);
    }
    expect(Object.keys(lines)).toHaveLength(7);
  });

  test('a pass copies media that Everpost did not publish, once each', async () => {
    const { person, ids } = await personWith(30);
    const found = await copies(driver, person);
    expect(new Set(found.keys())).toEqual(new Set(ids));
    expect([...found.values()].every((row) => row['read_at'] !== null && row['source'] === 'page')).toBe(
      true,
    );
    const line = await pass(person);
    expect(line).toMatchObject({ backfillComplete: true });
    expect((await copies(driver, person)).size).toBe(30);
    expect((await changesOf(person)).filter((kind) => kind === 'media.created')).toHaveLength(30);
  });

  test('a change of text is told once; an unchanged row only moves its read_at', async () => {
    const { person, ids } = await personWith(3);
    const [first = '', second = ''] = ids;
    const before = await copies(driver, person);
    await creator().edit(first, { text: 'other words' });
    await pass(person);
    await pass(person);
    const after = await copies(driver, person);
    expect((await changesOf(person)).filter((kind) => kind === 'media.updated')).toHaveLength(1);
    expect(after.get(second)?.['updated_at']).toEqual(before.get(second)?.['updated_at']);
    expect(after.get(second)?.['read_at']).not.toEqual(before.get(second)?.['read_at']);
  });

  test('what a list no longer shows is removed if the provider proves it, and restored when it returns', async () => {
    const { person, ids } = await personWith(12);
    const [gone = ''] = ids;
    await creator().remove(gone);
    await pass(person);
    const removed = (await copies(driver, person)).get(gone);
    expect(removed?.['removed_at'] !== null).toBe(isProved());
    await creator().restore(gone);
    await pass(person);
    expect((await copies(driver, person)).get(gone)).toMatchObject({ removed_at: null, missing_since: null });
    const told = (await changesOf(person)).filter(
      (kind) => kind === 'media.removed' || kind === 'media.restored',
    );
    expect(told).toEqual(isProved() ? ['media.removed', 'media.restored'] : []);
  });

  test('an idle round is short, and its history replays', async () => {
    const { person } = await personWith(2);
    const workflow = world.temporal.workflow.getHandle(`sync:${person.id}`);
    await until('the round to end', async () =>
      (await workflow.describe()).status.name === 'RUNNING' ? null : true,
    );
    await pass(person);
    await workflow.result();
    const history = await workflow.fetchHistory();
    await record(`sync ${driver.label}`, history);
    expect(history.events?.length ?? 0).toBeLessThanOrEqual(30);
  });

  test('a worker that is killed in the middle loses nothing and copies nothing twice', async () => {
    const person = await stage.newPerson(driver);
    await firstPass(person);
    const ids = await creator().makeMany({
      account: person.openId,
      text: 'many',
      createdAt: Date.now() - DAY,
      count: 120,
    });
    const body = { mode: 'full' };
    await world.call('POST', `/api/accounts/${person.id}/sync`, { body });
    await until('the first page', async () => ((await copies(driver, person)).size > 0 ? true : null));
    const worker = world.children.findLast((child) => child.name === 'worker');
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    await world.spawn('worker');
    await pass(person);
    expect(new Set((await copies(driver, person)).keys())).toEqual(new Set(ids));
    expect((await changesOf(person)).filter((kind) => kind === 'media.created')).toHaveLength(120);
  });
});
