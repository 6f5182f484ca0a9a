import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { until, type World } from '../world.ts';
import type { Example } from '../drivers/way.ts';
import type { Person } from '../drivers/sandbox.ts';
import type { DrivenWay } from '../drivers/index.ts';
import { record } from './record.ts';
import { CONFORMING, createStage, type Stage } from './stage.ts';

/* The number of events that a post leaves in Temporal, however long the provider takes. */

const SINGLE_MEDIA = 34;
const SCHEDULE = 6;

let stage: Stage;
let world: World;
beforeAll(async () => {
  stage = await createStage();
  ({ world } = stage);
  // Only polling shows the end.
  await world.control('POST', '/webhooks', { drop: 1000 });
});
afterAll(() => stage?.close());
beforeEach(() => onTestFailed(() => world.tell()));

/** A fresh connection wakes the account's posts once more. */
async function untilKept({ provider }: DrivenWay, { id }: Person): Promise<void> {
  const keeper = world.temporal.workflow.getHandle(`token:${provider}:${id}`);
  await until('the token to be kept', async () => {
    const { currentDetails } = await keeper.query<{ currentDetails?: string }>(
      '__temporal_workflow_metadata',
    );
    return /^(Refreshes the token in|Nothing renews the token)/.test(currentDetails ?? '') ? true : null;
  });
}

/** The number of events of a finished post; records its history. */
async function eventsOf(postId: string, recorded: string): Promise<number> {
  const workflow = world.temporal.workflow.getHandle(`post:${postId}`);
  await workflow.result();
  const history = await workflow.fetchHistory();
  await record(recorded, history);
  return history.events?.length ?? 0;
}

const budgetOf = ({ events }: Example): number => events ?? SINGLE_MEDIA;

describe.for(CONFORMING)('$label', (driver) => {
  const { label: of, provider } = driver;

  async function simplest(): Promise<{ example: Example; person: Person }> {
    const [example] = Object.values(await driver.examples(stage.files, world));
    if (example === undefined) throw new Error(`${of} has no example`);
    const person = await stage.newPerson(driver);
    await untilKept(driver, person);
    return { example, person };
  }

  test('every kind of post', async () => {
    await world.control('POST', `/${provider}/options`, { processingMs: 8000 });
    await stage.withEvery(driver, async (example, person, label) => {
      await untilKept(driver, person);
      const id = await stage.accepted(driver, person, example.body);
      await stage.expectOnce(driver, person, id, example);
      const events = await eventsOf(id, `${of} ${label}`);
      expect(events).toBeGreaterThan(0);
      expect(events).toBeLessThanOrEqual(budgetOf(example));
    });
    await world.control('POST', `/${provider}/options`, { processingMs: 200 });
  });

  test('a scheduled post', async () => {
    const { example, person } = await simplest();
    const scheduledAt = new Date(Date.now() + 5000).toISOString();
    const id = await stage.accepted(driver, person, { ...example.body, scheduledAt });
    await stage.expectOnce(driver, person, id, example);
    expect(await eventsOf(id, `${of} scheduled`)).toBeLessThanOrEqual(budgetOf(example) + SCHEDULE);
  });

  test('a post cancelled while scheduled', async () => {
    const { example, person } = await simplest();
    const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
    const id = await stage.accepted(driver, person, { ...example.body, scheduledAt });
    expect((await world.call('POST', `/api/posts/${id}/cancel`)).body.state).toBe('cancelled');
    expect(await eventsOf(id, `${of} cancelled`)).toBeLessThanOrEqual(budgetOf(example));
  });
});
