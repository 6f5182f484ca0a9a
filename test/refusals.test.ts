import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { createWorld, type Json, type World } from './world.ts';

/*
 * A post's reaction to TikTok's refusals, with the codes that users meet most; tables in test/tiktok-provider.test.ts
 * have all others.
 */

let world: World;
let mediaId: string;
let creator: string;
let accountId: string;
beforeAll(async () => {
  world = await createWorld({ tiktok: { verifiedLoopback: false } });
  mediaId = await world.upload();
});
afterAll(() => world?.close());
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  creator = `creator_${randomUUID().slice(0, 8)}`;
  accountId = await world.connect(creator);
  await world.control('DELETE', '/requests');
});

const publish = async (changes: Record<string, unknown> = {}): Promise<string> => {
  const accepted = await world.publish({ accountId, mediaId, allowDuplicate: true, ...changes });
  expect(accepted.status).toBe(202);
  return accepted.body.id;
};
const account = async (): Promise<Json> => (await world.call('GET', `/api/accounts/${accountId}`)).body;
const refuseInit = (http: number, code: string, times = 1): Promise<unknown> =>
  world.fault({ endpoint: 'video.init', kind: 'status', http, code, times });
const live = async (): Promise<number> => {
  const { openId } = await account();
  return (await world.publishes()).filter((row) => row.openId === openId && row.live).length;
};

test('access_token_invalid: the token is refreshed, and the post is published', async () => {
  onTestFailed(() => world.tell());
  await world.control('POST', '/tiktok/expire-tokens', { openId: (await account()).openId });
  await world.untilPost(await publish(), 'published');
  expect(await live()).toBe(1);
});

test('access_token_invalid for a fresh token too: the post waits for the account', async () => {
  onTestFailed(() => world.tell());
  await refuseInit(401, 'access_token_invalid', 2);
  const id = await publish();
  const waiting = await world.untilPost(id, 'waiting_account');
  expect(new Date(waiting.next.at).getTime()).toBeGreaterThan(Date.now());
  expect(await world.connect(creator)).toBe(accountId);
  await world.untilPost(id, 'published');
  expect(await live()).toBe(1);
});

test('scope_not_authorized: the post waits, and is published once the creator has granted it', async () => {
  onTestFailed(() => world.tell());
  await refuseInit(401, 'scope_not_authorized', 0);
  const id = await publish();
  await world.untilPost(id, 'waiting_account');
  // Once, and once more if the account's connection wakes it late.
  expect((await world.requests('video.init')).length).toBeLessThanOrEqual(2);
  await world.control('DELETE', '/faults');
  expect(await world.connect(creator)).toBe(accountId);
  await world.untilPost(id, 'published');
  expect(await live()).toBe(1);
});

test('url_ownership_unverified: failed, with how to verify the domain', async () => {
  onTestFailed(() => world.tell());
  const id = await publish({
    source: 'PULL_FROM_URL',
    mediaId: undefined,
    videoUrl: `${world.url}/livez`,
  });
  const { error } = await world.untilPost(id, 'failed');
  expect(error).toMatchObject({
    code: 'url_ownership_unverified',
    retryable: false,
    details: { provider: 'tiktok', providerCode: 'url_ownership_unverified' },
  });
  expect(error.details.logId).toMatch(/^\d{14}/);
  expect(error.userMessage).toMatch(/verify .*URL properties.*developer portal/i);
  expect(await live()).toBe(0);
});

test('rate_limit_exceeded: the post waits a minute and is published', async () => {
  onTestFailed(() => world.tell());
  await refuseInit(429, 'rate_limit_exceeded');
  const id = await publish();
  const waiting = await world.untilPost(id, 'waiting_quota');
  const inMs = new Date(waiting.next.at).getTime() - Date.now();
  expect(inMs).toBeGreaterThan(0);
  expect(inMs).toBeLessThanOrEqual(60_000);
  await world.skipTime(`post:${id}`);
  await world.untilPost(id, 'published');
  expect(await live()).toBe(1);
});

test('rate_limit_exceeded with onQuota "fail": failed, with when to come back', async () => {
  onTestFailed(() => world.tell());
  await refuseInit(429, 'rate_limit_exceeded');
  const { error } = await world.untilPost(await publish({ onQuota: 'fail' }), 'failed');
  expect(error).toMatchObject({ code: 'quota_exceeded', retryable: true });
  expect(new Date(error.details.resetAt).getTime()).toBeGreaterThan(Date.now());
});

test('spam_risk_too_many_pending_share: the draft waits until the inbox has room', async () => {
  onTestFailed(() => world.tell());
  await world.fault({
    endpoint: 'inbox.init',
    kind: 'status',
    http: 403,
    code: 'spam_risk_too_many_pending_share',
  });
  const id = await publish({ mode: 'inbox', postInfo: undefined });
  await world.untilPost(id, 'waiting_quota');
  expect((await account()).quotas).toContainEqual(
    expect.objectContaining({ quota: 'pending_share', limit: 0, remaining: 0 }),
  );
  await world.skipTime(`post:${id}`);
  await world.untilPost(id, 'delivered');
});

test('an unknown code is stored and shown', async () => {
  onTestFailed(() => world.tell());
  await refuseInit(403, 'something_new');
  const { error } = await world.untilPost(await publish(), 'failed');
  expect(error).toMatchObject({
    code: 'provider_refused',
    details: { provider: 'tiktok', providerCode: 'something_new' },
  });
  expect(error.userMessage).toContain('something_new');
});
