import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { jpeg } from '../sandbox/testing/media.ts';
import { createWorld, sampleVideo, until, type Json, type World } from './world.ts';
import { double } from './doubles/mosaic/driver.ts';

/* What no platform of the product needs yet: Mosaic's app has units for two posts a day. */

let world: World;
let mediaIds: string[];
beforeAll(async () => {
  world = await createWorld({ double, env: { MOSAIC_UNITS: '110' } });
  mediaIds = [await world.upload(jpeg(), undefined, 'image/jpeg'), await world.upload()];
});
afterAll(() => world?.close());

async function connect(creator: string): Promise<string> {
  await world.control('POST', '/mosaic/people', { username: creator });
  const { answer } = await world.visitConsent({ creator }, world.user.key, 'mosaic');
  return answer.body.accounts[0].id;
}
const publish = async (accountId: string): Promise<string> => {
  const body = { accountId, format: 'PAIR', mediaIds, allowDuplicate: true };
  const { status, body: post, text } = await world.call('POST', '/api/mosaic/publish', { body });
  if (status !== 202) throw new Error(text);
  return post.id;
};
const units = async (id: string): Promise<Json> =>
  (await world.call('GET', `/api/accounts/${id}`)).body.quotas.find((row: Json) => row.quota === 'units');

test('a post of two files arrives byte for byte, and shows how much of both was sent', async () => {
  onTestFailed(() => world.tell());
  const id = await publish(await connect('sender'));
  const post = await world.untilPost(id, 'published');
  const total = jpeg().length + sampleVideo().length;
  expect(post.progress).toEqual({ sentBytes: total, totalBytes: total });
  const [made]: Json = await world.control('GET', '/mosaic/made');
  expect(post).toMatchObject({ providerPostId: made.id, publishId: made.id });
  const shas = await Promise.all(
    mediaIds.map(async (media) => (await world.call('GET', `/api/media/${media}`)).body.sha256),
  );
  expect(made.sha256s).toEqual(shas);
});

test('the units of an app are shared by its accounts, and never overspent', async () => {
  onTestFailed(() => world.tell());
  const [one, two] = [await connect('one'), await connect('two')];
  expect(await units(one)).toMatchObject({ limit: 110, used: 52, remaining: 58 });
  await world.untilPost(await publish(one), 'published');
  expect(await units(two)).toEqual(await units(one));
  const late = await world.untilPost(await publish(two), 'waiting_quota');
  expect(late.waiting).toMatchObject({ reason: 'quota', quota: 'units' });
  expect(await until<Json>('what was spent', () => world.control('GET', '/mosaic/spent'))).toMatchObject({
    spent: expect.any(Number),
  });
  const refused = (await world.requests()).filter(({ status }) => status === 429);
  expect(refused).toEqual([]);
});
