import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/* Apps that were approved for some scopes only, and accounts that granted some of them. */

const DRAFTS = ['user.info.basic', 'video.upload'];

describe('an app that may only put drafts into the inbox', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ env: { TIKTOK_SCOPES: DRAFTS.join(',') } });
    await world.control('POST', '/tiktok/app', { scopes: DRAFTS });
  });
  afterAll(() => world?.close());
  beforeEach(() => world.control('DELETE', '/requests'));

  test('connects an account, which publishes drafts; a direct post is refused, naming the scope', async () => {
    onTestFailed(() => world.tell());
    const { answer } = await world.visitConsent();
    expect(answer.status).toBe(200);
    const [{ id }] = answer.body.accounts;
    expect((await world.call('GET', `/api/accounts/${id}`)).body).toMatchObject({
      displayName: 'Sandbox Creator',
      scopes: DRAFTS,
      capabilities: ['draft'],
    });
    await world.control('DELETE', '/requests');
    const mediaId = await world.upload();
    const direct = await world.publish({ accountId: id, mediaId });
    expect(direct.status).toBe(409);
    expect(direct.body.error).toMatchObject({
      code: 'permission_missing',
      message: expect.stringContaining('TIKTOK_SCOPES'),
      userMessage: expect.stringMatching(/post videos and photos for you.*mode inbox/),
      details: { scopes: ['video.publish'] },
    });
    const options = await world.call('GET', `/api/tiktok/creator-info?accountId=${id}`);
    expect([options.status, options.body.error.code]).toEqual([409, 'permission_missing']);
    expect(await world.requests()).toHaveLength(0);

    const draft = await world.publish({ accountId: id, mediaId, mode: 'inbox', postInfo: {} });
    expect(draft.status).toBe(202);
    await world.untilPost(draft.body.id, 'delivered');
  });
});

describe('with EVERPOST_SYNC=on', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ env: { EVERPOST_SYNC: 'on' } });
  });
  afterAll(() => world?.close());

  const READING = ['read_media', 'read_insights'];
  const COMMENTS = ['read_comments', 'moderate'];

  test.each([
    ['tiktok', undefined, READING],
    ['instagram', 'facebook_login', [...READING, ...COMMENTS]],
    ['instagram', 'instagram_login', [...READING, ...COMMENTS]],
    ['threads', undefined, [...READING, ...COMMENTS]],
  ])('consents ask for what copying needs: %s %s', async (provider, method, expected) => {
    onTestFailed(() => world.tell());
    const { answer } = await world.visitConsent({}, world.user.key, provider, method);
    expect(answer.status).toBe(200);
    const { body } = await world.call('GET', `/api/accounts/${answer.body.accounts[0].id}`);
    expect(body.capabilities).toEqual(expect.arrayContaining(['publish', ...expected]));
  });
});

describe('the default scopes', () => {
  let world: World;
  let mediaId: string;
  beforeAll(async () => {
    world = await createWorld();
    mediaId = await world.upload();
  });
  afterAll(() => world?.close());

  const account = async (answer: Answer): Promise<Json> =>
    (await world.call('GET', `/api/accounts/${answer.body.accounts[0].id}`)).body;

  test.each([
    ['tiktok', undefined, { scopes: ['user.info.basic', 'video.upload', 'video.publish'] }],
    [
      'instagram',
      'facebook_login',
      {
        scopes: [
          'instagram_basic',
          'instagram_content_publish',
          'pages_show_list',
          'pages_read_engagement',
          'business_management',
        ],
      },
    ],
    [
      'instagram',
      'instagram_login',
      { loginScopes: ['instagram_business_basic', 'instagram_business_content_publish'] },
    ],
    [
      'threads',
      undefined,
      {
        scopes: [
          'threads_basic',
          'threads_content_publish',
          'threads_manage_replies',
          'threads_read_replies',
          'threads_delete',
        ],
      },
    ],
  ])('are only those that an app for publishing has: %s %s', async (provider, method, approved) => {
    await world.control('POST', `/${provider}/app`, approved);
    const { answer } = await world.visitConsent({}, world.user.key, provider, method);
    expect(answer.status).toBe(200);
    const { capabilities, username } = await account(answer);
    expect(capabilities).toContain('publish');
    expect(username).toMatch(/\w/);
    expect(capabilities).not.toContain('read_insights');
  });

  test('decide an account’s capabilities: a later consent with more scopes adds some, one with fewer removes some', async () => {
    onTestFailed(() => world.tell());
    const creator = `creator_${randomUUID().slice(0, 8)}`;
    await world.control('POST', '/tiktok/creators', { username: creator, displayName: 'Pat' });
    const first = await account((await world.visitConsent({ creator, scopes: ['video.upload'] })).answer);
    expect(first).toMatchObject({ capabilities: ['draft'], displayName: 'Pat', username: null });
    const post = { accountId: first.id, mediaId };
    expect((await world.publish(post)).status).toBe(409);
    expect((await world.publish(post)).body.error.message).toContain('reconnect it');

    const more = await account((await world.visitConsent({ creator })).answer);
    expect(more).toMatchObject({ id: first.id, capabilities: ['draft', 'publish'], username: creator });
    const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
    const later = await world.publish({ ...post, scheduledAt });
    expect(later.status).toBe(202);
    await world.untilPost((await world.publish({ ...post, allowDuplicate: true })).body.id, 'published');

    const fewer = await account((await world.visitConsent({ creator, scopes: ['video.upload'] })).answer);
    expect(fewer).toMatchObject({ id: first.id, capabilities: ['draft'] });
    await world.control('DELETE', '/requests');
    // Posts accepted before wait for their creator, and nothing is sent.
    await world.database.db.execute(sql`update posts set scheduled_at = now() where id = ${later.body.id}`);
    await world.skipTime(`post:${later.body.id}`);
    await until('the post to wait', async () => {
      const { state } = (await world.call('GET', `/api/posts/${later.body.id}`)).body;
      return state === 'waiting_account' ? true : null;
    });
    expect(await world.requests('video.init')).toHaveLength(0);
  });
});
