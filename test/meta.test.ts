import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { readConfig } from '../config.ts';
import { createMediaLinks } from '../crypto/media-links.ts';
import { jpeg } from '../sandbox/testing/media.ts';
import { createWorld, sampleVideo, until, type Answer, type Json, type World } from './world.ts';

/* Instagram and Threads through every layer: connecting, publishing, webhooks, disconnecting. */

/** The consent asks for webhooks about comments only with these. */
const ASKED = {
  INSTAGRAM_SCOPES:
    'instagram_basic,instagram_content_publish,instagram_manage_comments,pages_show_list,pages_read_engagement,pages_manage_metadata,business_management',
};

let world: World;
let videoId: string;
let instagram: Json;
let threads: Json;
beforeAll(async () => {
  world = await createWorld({ env: ASKED });
  videoId = await world.upload();
  instagram = await connect('instagram');
  threads = await connect('threads');
});
afterAll(() => world?.close());

async function connect(provider: string): Promise<Json> {
  const { answer } = await world.visitConsent({}, world.user.key, provider);
  expect(answer.status).toBe(200);
  const [{ id }] = answer.body.accounts;
  return (await world.call('GET', `/api/accounts/${id}`)).body;
}

/** A professional account, and a Page for it. */
async function addPage(user: string, username: string, more: object = {}): Promise<void> {
  await world.control('POST', '/instagram/accounts', { username });
  const page = { name: `Page of ${username}`, user, instagram: username, ...more };
  await world.control('POST', '/instagram/pages', page);
}

const publish = (provider: string, body: object, headers: Record<string, string> = {}): Promise<Answer> =>
  world.call('POST', `/api/${provider}/publish`, { body, headers });

/** Publishes our upload as a reel, which has every kind of step. */
const publishReel = (more: object = {}): Promise<Answer> =>
  publish('instagram', {
    accountId: instagram.id,
    mediaType: 'REELS',
    mediaId: videoId,
    allowDuplicate: true,
    ...more,
  });

async function published(answer: Answer): Promise<Json> {
  expect(answer.body).toMatchObject({ id: expect.any(String) });
  expect(answer.status).toBe(202);
  return world.untilPost(answer.body.id, 'published').catch(async (error: unknown) => {
    const attempts = await world.call('GET', `/api/debug/attempts?postId=${answer.body.id}`, {
      key: world.secrets.adminKey,
    });
    throw new Error(`${String(error)} ${attempts.text}`);
  });
}

const count = async (provider: string): Promise<Json> => world.control('GET', `/${provider}/count`);

/** Ends the time in which the platform accepts no calls for an account. */
const takeCalls = (accountId: string): Promise<unknown> =>
  world.database.db.execute(
    sql`update oauth_accounts set calls_refused_until = now() where id = ${accountId} and calls_refused_until > now()`,
  );

/** Waits until a post pauses. */
async function untilPause(postId: string): Promise<void> {
  const workflow = world.temporal.workflow.getHandle(`post:${postId}`);
  await until('a pause', async () => {
    const { events } = await workflow.fetchHistory();
    return events?.some(({ timerStartedEventAttributes: timer }) => timer) === true ? true : null;
  });
}

/** The reasons for refused calls in the name of a provider. */
async function refusals(provider: string): Promise<string[]> {
  const rows = await world.database.db.execute<{ code: string }>(
    sql`select details->>'code' as code from audit_log where action = 'webhook.refused' and subject = ${provider}`,
  );
  return rows.map(({ code }) => code);
}

/** An event as Instagram sends it, signed. */
async function sendComments(
  ...values: { id: string; media: { id: string }; text: string }[]
): Promise<Answer> {
  const changes = values.map((value) => ({ field: 'comments', value }));
  const body = JSON.stringify({ object: 'instagram', entry: [{ id: instagram.openId, time: 1, changes }] });
  const signature = createHmac('sha256', world.secrets.instagramSecret).update(body).digest('hex');
  return world.call('POST', '/api/webhooks/instagram', {
    key: null,
    body,
    headers: { 'x-hub-signature-256': `sha256=${signature}` },
  });
}

describe('an account', () => {
  test('is connected with its name and its scopes', () => {
    expect(instagram).toMatchObject({ provider: 'instagram', username: 'sandbox_creator', status: 'active' });
    expect(instagram.scopes).toContain('instagram_content_publish');
    expect(threads).toMatchObject({ provider: 'threads', username: 'sandbox_creator', status: 'active' });
    const days = (new Date(threads.expiresAt).getTime() - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(50);
  });

  test('with declined permissions is refused, and they are named', async () => {
    await world.control('POST', '/threads/profiles', { username: 'cautious' });
    const consent = { creator: 'cautious', scopes: ['threads_basic'] };
    const { answer } = await world.visitConsent(consent, world.user.key, 'threads');
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({
      code: 'missing_scopes',
      details: { scopes: ['threads_content_publish'] },
    });
  });

  test('is found behind a business portfolio too, whatever one list returns', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/instagram/options', { portfolioPages: 'businesses' });
    const names = ['own_page', 'of_portfolio'];
    for (const username of names)
      await addPage('manager', username, { portfolio: username === 'of_portfolio' });
    await world.fault({ endpoint: 'instagram.client_pages', kind: 'status', http: 400, code: '100' });
    const { answer } = await world.visitConsent({ creator: 'manager' }, world.user.key, 'instagram');
    const connected: Json[] = await Promise.all(
      answer.body.accounts.map(async ({ id }: Json) => (await world.call('GET', `/api/accounts/${id}`)).body),
    );
    expect(new Set(connected.map(({ username }) => username))).toEqual(new Set(names));
    await world.control('POST', '/instagram/options', { portfolioPages: 'accounts' });
    await world.control('DELETE', '/faults');
  });

  test('stays connected when the same login returns without a permission, for another Page', async () => {
    onTestFailed(() => world.tell());
    const creator = 'two_pages';
    const connectAs = (consent: object): Promise<{ answer: Answer }> =>
      world.visitConsent({ creator, ...consent }, world.user.key, 'instagram');
    await addPage(creator, 'first_page');
    const { answer } = await connectAs({});
    const [{ id }] = answer.body.accounts;
    await addPage(creator, 'second_page');
    const scopes = instagram.scopes.filter((scope: string) => scope !== 'pages_show_list');
    expect((await connectAs({ scopes })).answer.body.error).toMatchObject({ code: 'missing_scopes' });
    await published(await publish('instagram', { accountId: id, mediaType: 'REELS', mediaId: videoId }));
  });

  test('is refused for the missing permission, although its Pages cannot be listed without it', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'instagram.accounts', kind: 'status', http: 400, code: '200' });
    const scopes = instagram.scopes.filter((scope: string) => scope !== 'pages_show_list');
    const { answer } = await world.visitConsent({ scopes }, world.user.key, 'instagram');
    expect(answer.body.error).toMatchObject({
      code: 'missing_scopes',
      details: { scopes: ['pages_show_list'] },
    });
    await world.visitConsent({}, world.user.key, 'instagram');
  });

  test('is not connected while the platform is down, which is not a refusal', async () => {
    await world.fault({ endpoint: 'instagram.token', kind: 'status', http: 500, code: '2' });
    const { answer } = await world.visitConsent({}, world.user.key, 'instagram');
    expect([answer.status, answer.body.error.code]).toEqual([502, 'provider_error']);
  });

  test('has the permissions that calls prove, if Threads does not list them', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'threads.debug_token', kind: 'status', http: 400, code: '10', times: 0 });
    const scopesOf = async (username: string, scopes: string[]): Promise<string[]> => {
      await world.control('POST', '/threads/profiles', { username });
      const { answer } = await world.visitConsent({ creator: username, scopes }, world.user.key, 'threads');
      return (await world.call('GET', `/api/accounts/${answer.body.accounts[0].id}`)).body.scopes;
    };
    const some = ['threads_basic', 'threads_content_publish', 'threads_read_replies'];
    expect((await scopesOf('choosy', some)).toSorted()).toEqual(some.toSorted());
    const more = [...some, 'threads_manage_replies', 'threads_delete'];
    expect((await scopesOf('generous', more)).toSorted()).toEqual(more.toSorted());
    await world.control('DELETE', '/faults');
  });

  test('has the limits that the provider gives', async () => {
    const { status, body } = await world.call('GET', `/api/instagram/limits?accountId=${instagram.id}`);
    expect(status).toBe(200);
    expect(body.quotas).toMatchObject([{ quota: 'publish', limit: expect.any(Number) }]);
    const other = await world.call('GET', `/api/threads/limits?accountId=${threads.id}`);
    expect(other.body.quotas).toMatchObject([
      { quota: 'publish', limit: 250 },
      { quota: 'reply' },
      { quota: 'delete' },
    ]);
  });
});

describe('a post', () => {
  test('of text is published on Threads, with its permalink', async () => {
    onTestFailed(() => world.tell());
    const post = await published(
      await publish('threads', { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'hello' } }),
    );
    expect(post).toMatchObject({ provider: 'threads', publishId: expect.any(String) });
    expect(post.permalink).toMatch(/^https:\/\/www\.threads\.(net|com)\//);
    expect(post.providerPostId).not.toBe(post.publishId);
  });

  test('of an uploaded video is published on both: sent to Instagram, fetched by Threads', async () => {
    onTestFailed(() => world.tell());
    const reel = await published(
      await publish('instagram', {
        accountId: instagram.id,
        mediaType: 'REELS',
        mediaId: videoId,
        postInfo: { caption: 'a reel' },
      }),
    );
    expect(reel.progress).toEqual({ sentBytes: sampleVideo().length, totalBytes: sampleVideo().length });
    const video = await published(
      await publish('threads', {
        accountId: threads.id,
        mediaType: 'VIDEO',
        mediaId: videoId,
        postInfo: { text: 'a video' },
      }),
    );
    expect([reel.permalink, video.permalink]).toEqual([
      expect.stringMatching(/^https:/),
      expect.stringMatching(/^https:/),
    ]);
  });

  test.each(['accept-then-drop', 'accept-then-500'])(
    'whose publish answer is lost (%s) is live once, and found again',
    async (kind) => {
      onTestFailed(() => world.tell());
      for (const [provider, accountId, body] of [
        ['threads', threads.id, { mediaType: 'TEXT', postInfo: { text: `lost ${kind}` } }],
        [
          'instagram',
          instagram.id,
          { mediaType: 'REELS', mediaId: videoId, postInfo: { caption: `lost ${kind}` } },
        ],
      ] as const) {
        const before = (await count(provider)).live;
        await world.fault({ endpoint: `${provider}.publish`, kind });
        const post = await published(await publish(provider, { accountId, ...body }));
        expect(post.providerPostId).toEqual(expect.any(String));
        expect((await count(provider)).live).toBe(before + 1);
      }
    },
  );

  test('whose publish answer is lost is found again without the white space around its text', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/threads/options', { trimText: true });
    await world.fault({ endpoint: 'threads.publish', kind: 'accept-then-drop' });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: ' lost at the ends\n' } };
    const { providerPostId } = await published(await publish('threads', body));
    await world.control('POST', '/threads/options', { trimText: false });
    expect(providerPostId).toEqual(expect.any(String));
  });

  test('whose publish answer is lost is not mistaken for a similar one', async () => {
    onTestFailed(() => world.tell());
    const mediaId = await world.upload(jpeg(), undefined, 'image/jpeg');
    const post = async (mediaType: string): Promise<Json> =>
      published(
        await publish('instagram', { accountId: instagram.id, mediaType, mediaId, allowDuplicate: true }),
      );
    const ids: string[] = [(await post('IMAGE')).providerPostId];
    for (const mediaType of ['STORIES', 'IMAGE']) {
      await world.fault({ endpoint: 'instagram.publish', kind: 'accept-then-drop' });
      const { publishId, providerPostId } = await post(mediaType);
      const made: Json = await world.control('GET', '/instagram/publishes');
      expect(providerPostId).toBe(made.find(({ id }: Json) => id === publishId)?.mediaId);
      ids.push(providerPostId);
    }
    expect(new Set(ids).size).toBe(3);
  });

  test('whose publish answer is lost is published, whichever platform refuses to list posts', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'threads.publish', kind: 'accept-then-drop' });
    await world.fault({ endpoint: 'threads.posts', kind: 'status', http: 400, code: '100', times: 0 });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'not listed' } };
    const post = await published(await publish('threads', body));
    await world.control('DELETE', '/faults');
    expect(post).toMatchObject({ permalink: null, providerPostId: null });
  });

  test('whose publish never arrived is sent again, because the container says so', async () => {
    onTestFailed(() => world.tell());
    const before = (await count('threads')).live;
    await world.fault({ endpoint: 'threads.publish', kind: 'drop-before' });
    await published(
      await publish('threads', { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'dropped' } }),
    );
    expect((await count('threads')).live).toBe(before + 1);
  });

  test('that went live with a server error as the answer is not sent again', async () => {
    onTestFailed(() => world.tell());
    const before = (await count('threads')).live;
    const fault = {
      endpoint: 'threads.publish',
      kind: 'status',
      http: 500,
      code: '-1/2207001',
      when: 'after',
    };
    await world.fault(fault);
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'broken but live' } };
    const post = await published(await publish('threads', body));
    expect(post.permalink).toMatch(/^https:/);
    expect((await count('threads')).live).toBe(before + 1);
  });

  test('that is live is published, whichever platform cannot give its address', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'threads.node:post', kind: 'status', http: 500, code: '2', times: 0 });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'no address' } };
    const post = await published(await publish('threads', body));
    await world.control('DELETE', '/faults');
    expect(post).toMatchObject({ permalink: null, providerPostId: expect.any(String) });
  });

  test.each([
    ['takes no more calls', '4'],
    ['does not allow to read it', '10'],
    ['takes no token', '190'],
  ])('that is live is published if the platform %s', async (_what, code) => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'instagram.node:media', kind: 'status', http: 400, code, times: 0 });
    const post = await published(await publishReel());
    await world.control('DELETE', '/faults');
    expect(post).toMatchObject({ permalink: null, providerPostId: expect.any(String) });
    await takeCalls(instagram.id);
  });

  test.for(['threads', 'instagram'])(
    'of %s whose permalink comes later is published with it',
    async (provider) => {
      onTestFailed(() => world.tell());
      await world.control('POST', `/${provider}/options`, { permalinkMs: 2000 });
      try {
        const answer =
          provider === 'instagram'
            ? await publishReel()
            : await publish(provider, {
                accountId: threads.id,
                mediaType: 'TEXT',
                postInfo: { text: 'its address comes later' },
              });
        expect((await published(answer)).permalink).toMatch(/^https:/);
      } finally {
        await world.control('POST', `/${provider}/options`, { permalinkMs: 0 });
      }
    },
  );

  test('whose permalink never comes is published without it', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/threads/options', { permalinkMs: 3_600_000 });
    try {
      const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'it has no address' } };
      const post = await published(await publish('threads', body));
      expect(post).toMatchObject({ permalink: null, providerPostId: expect.any(String) });
    } finally {
      await world.control('POST', '/threads/options', { permalinkMs: 0 });
    }
  });

  test('that is live is published, although its creator removes the app before its permalink is read', async () => {
    onTestFailed(() => world.tell());
    await world.control('DELETE', '/requests');
    const unread = { endpoint: 'instagram.node:media', kind: 'status', http: 500, code: '2', times: 0 };
    await world.fault(unread);
    const { body } = await publishReel();
    await until('the permalink to be asked for', async () =>
      (await world.requests('instagram.node')).some(({ fault }) => fault !== undefined) ? true : null,
    );
    await world.control('POST', '/instagram/revoke', { user: 'sandbox_creator' });
    const post = await world.untilPost(body.id, 'published');
    expect(post).toMatchObject({ permalink: null, providerPostId: expect.any(String) });
    await world.control('DELETE', '/faults');
    await connect('instagram');
  });

  test('is not started while the platform accepts no calls for the account', async () => {
    onTestFailed(() => world.tell());
    await world.fault({ endpoint: 'instagram.limit', kind: 'status', http: 400, code: '80002' });
    const first = (await publishReel()).body.id;
    await world.untilPost(first, 'waiting_quota');
    const calls = async (): Promise<number> => {
      const requests: Json = await world.control('GET', '/requests');
      return requests.filter(({ endpoint }: Json) => endpoint?.startsWith('instagram.')).length;
    };
    const before = await calls();
    const second = (await publishReel()).body.id;
    await world.untilPost(second, 'waiting_quota');
    const third = await publishReel({ onQuota: 'fail' });
    expect(third).toMatchObject({
      status: 429,
      body: { error: { code: 'quota_exceeded', retryable: true } },
    });
    expect(await calls()).toBe(before);

    await takeCalls(instagram.id);
    for (const id of [first, second]) {
      await world.skipTime(`post:${id}`);
      await world.untilPost(id, 'published');
    }
  });

  test('whose container is never finished has failed, because nothing is visible', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/threads/options', { processingMs: 3_600_000 });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'stuck' } };
    const { id } = (await publish('threads', body)).body;
    await until('the container to be asked', async () =>
      (await world.getPost(id)).phase === 'ready' ? true : null,
    );
    await world.database.db.execute(
      `update publish_attempts set finished_at = finished_at - interval '25 hours' where post_id = '${id}'`,
    );
    const { error } = await world.untilPost(id, 'failed');
    await world.control('POST', '/threads/options', { processingMs: 500 });
    expect(error).toMatchObject({ code: 'given_up', retryable: true });
  });

  test('whose account is removed while its container is not ready waits for it, and says so', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/threads/options', { processingMs: 3_600_000 });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'waits at its container' } };
    const { id } = (await publish('threads', body)).body;
    await until('the container to be asked', async () =>
      (await world.getPost(id)).phase === 'ready' ? true : null,
    );
    await world.control('POST', '/threads/revoke', { username: 'sandbox_creator' });
    await world.untilPost(id, 'waiting_account');
    await world.database.db.execute(
      sql`update publish_attempts set finished_at = finished_at - interval '30 hours' where post_id = ${id}`,
    );
    await world.control('POST', '/threads/options', { processingMs: 500 });
    await world.control('POST', '/clock', { advanceMs: 3_600_000 });
    await connect('threads');
    expect(await world.untilPost(id, 'published')).toMatchObject({ error: null });
  });

  test('whose every token is refused while its container is polled retries slowly', async () => {
    onTestFailed(() => world.tell());
    await world.control('DELETE', '/requests');
    await world.fault({ endpoint: 'instagram.node', kind: 'status', http: 400, code: '190', times: 0 });
    const { body } = await publishReel();
    await untilPause(body.id);
    expect(await world.requests('instagram.token')).toHaveLength(1);
    await world.control('DELETE', '/faults');
    await world.skipTime(`post:${body.id}`);
    await world.untilPost(body.id, 'published');
  });

  test('whose every upload URL is gone asks for another one slowly', async () => {
    onTestFailed(() => world.tell());
    await world.control('DELETE', '/requests');
    await world.fault({ endpoint: 'instagram.upload', kind: 'status', http: 404, body: '', times: 0 });
    const { body } = await publishReel();
    await untilPause(body.id);
    expect(await world.requests('instagram.container')).toHaveLength(2);
    await world.control('DELETE', '/faults');
    await world.untilPost(body.id, 'published');
  });

  test('whose container expires before its upload gets another one', async () => {
    onTestFailed(() => world.tell());
    await world.control('DELETE', '/requests');
    await world.fault({ endpoint: 'instagram.upload', kind: 'status', http: 503, body: '', times: 0 });
    const { body } = await publishReel();
    const anUpload = (wanted: number): Promise<true> =>
      until(`an upload with ${wanted}`, async () =>
        (await world.requests('instagram.upload')).some(({ status }) => status === wanted) ? true : null,
      );
    await anUpload(503);
    const { publishId: first } = await world.getPost(body.id);
    await world.control('POST', '/instagram/options', { containerSeconds: 1 });
    await world.control('DELETE', '/faults');
    await anUpload(400);
    await world.control('POST', '/instagram/options', { containerSeconds: 86_400 });
    const { publishId } = await world.untilPost(body.id, 'published');
    expect(publishId).not.toBe(first);
  });

  test.each(['', '<html>'])(
    'whose upload arrived although the answer (%j) does not say so is published',
    async (text) => {
      onTestFailed(() => world.tell());
      await world.control('POST', '/instagram/options', { processingMs: 3_000 });
      const answer = { kind: 'status', http: 200, body: text, when: 'after' };
      await world.fault({ endpoint: 'instagram.upload', ...answer });
      expect(await published(await publishReel())).toMatchObject({ error: null });
      await world.control('POST', '/instagram/options', { processingMs: 500 });
    },
  );

  test('whose token expires before its upload is published with another one', async () => {
    onTestFailed(() => world.tell());
    const message = JSON.stringify({ success: false, error: { message: 'unauthorized user request' } });
    const refusal = { debug_info: { retriable: false, type: 'ProcessingFailedError', message } };
    await world.fault({
      endpoint: 'instagram.upload',
      kind: 'status',
      http: 400,
      body: JSON.stringify(refusal),
    });
    expect(await published(await publishReel())).toMatchObject({ error: null });
  });

  test('whose container is not found for long gets another one', async () => {
    onTestFailed(() => world.tell());
    const before = (await count('threads')).live;
    const missing = { kind: 'status', http: 400, code: '24/4279009', message: 'not there' };
    await world.fault({ endpoint: 'threads.publish', times: 6, ...missing });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'at the second attempt' } };
    const post = await published(await publish('threads', body));
    expect((await count('threads')).live).toBe(before + 1);
    const { data } = (
      await world.call('GET', `/api/debug/attempts?postId=${post.id}`, { key: world.secrets.adminKey })
    ).body;
    const tried = (step: string): string[] =>
      data.filter((row: Json) => row.step === step).map((row: Json) => row.status);
    expect(tried('container').toSorted()).toEqual(['accepted', 'rejected']);
    expect(tried('publish').toSorted()).toEqual(['accepted', ...Array<string>(6).fill('rejected')]);
  });

  test.each([
    ['that is not there any more when it is looked at', 'instagram.node', '24/2207008', 6],
    ['that is not found, whatever the token', 'instagram.publish', '24/2207006', 2],
    ['that cannot be looked at, whatever the token', 'instagram.node', '24/2207006', 2],
    ['that has expired at the platform', 'instagram.publish', '-2/2207020', 5],
  ])('gets another container for one %s', async (_why, endpoint, code, times) => {
    onTestFailed(() => world.tell());
    const before = (await count('instagram')).live;
    await world.fault({ endpoint, times, kind: 'status', http: 400, code, message: 'gone' });
    const post = await published(await publishReel());
    expect((await count('instagram')).live).toBe(before + 1);
    const { data } = (
      await world.call('GET', `/api/debug/attempts?postId=${post.id}`, { key: world.secrets.adminKey })
    ).body;
    expect(data.filter(({ step }: Json) => step === 'container')).toHaveLength(2);
  });

  test('that a refused call may have published is not published again from another container', async () => {
    onTestFailed(() => world.tell());
    const before = (await count('threads')).live;
    const missing = { endpoint: 'threads.publish', kind: 'status', http: 400, message: 'not there' };
    await world.fault({ ...missing, code: '24/4279009', times: 5 });
    await world.fault({ ...missing, code: '100/33', when: 'after' });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'not found, but live' } };
    await published(await publish('threads', body));
    expect((await count('threads')).live).toBe(before + 1);
  });

  test('published by a call that seemed to be refused is not published again', async () => {
    onTestFailed(() => world.tell());
    const before = await count('threads');
    const missing = { kind: 'status', http: 400, code: '24/4279009', message: 'not there', when: 'after' };
    await world.fault({ endpoint: 'threads.publish', ...missing });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'live already' } };
    const post = await published(await publish('threads', body));
    expect(post.providerPostId).toEqual(expect.any(String));
    const after = await count('threads');
    expect([after.live, after.publishCalls]).toEqual([before.live + 1, before.publishCalls + 1]);
  });

  test.each([
    ['instagram', '506'],
    ['threads', '100'],
  ])(
    'published by a call which %s seemed to refuse permanently (%s) is published',
    async (provider, code) => {
      onTestFailed(() => world.tell());
      const before = await count(provider);
      const refusal = { kind: 'status', http: 400, code, message: 'no', when: 'after' };
      await world.fault({ endpoint: `${provider}.publish`, ...refusal });
      const text = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'refused, but live' } };
      const post = await published(
        await (provider === 'instagram' ? publishReel() : publish('threads', text)),
      );
      expect(post.providerPostId).toEqual(expect.any(String));
      const after = await count(provider);
      expect([after.live, after.publishCalls]).toEqual([before.live + 1, before.publishCalls + 1]);
    },
  );

  test('that may be live is not cancelled while the platform cannot be asked', async () => {
    onTestFailed(() => world.tell());
    const before = (await count('threads')).live;
    await world.fault({ endpoint: 'threads.publish', kind: 'accept-then-drop' });
    await world.fault({ endpoint: 'threads.posts', kind: 'status', http: 400, code: '190', times: 0 });
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'live, and cancelled' } };
    const { id } = (await publish('threads', body)).body;
    await until('the post to be looked for', async () =>
      (await world.getPost(id)).phase === 'reconciling' ? true : null,
    );
    await untilPause(id);
    const answer = await world.call('POST', `/api/posts/${id}/cancel`);
    expect(answer).toMatchObject({ status: 409, body: { error: { code: 'too_late' } } });
    await world.control('DELETE', '/faults');
    await world.skipTime(`post:${id}`);
    await world.untilPost(id, 'published');
    expect((await count('threads')).live).toBe(before + 1);
  });

  test('that breaks a rule is refused before any call', async () => {
    const answer = await publish('instagram', {
      accountId: instagram.id,
      mediaType: 'REELS',
      mediaId: videoId,
      postInfo: { caption: '#a '.repeat(31) },
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error.details.fields).toMatchObject([
      { field: 'postInfo.caption', rule: 'caption_hashtags' },
    ]);
  });

  test('whose file breaks a rule is refused before any call, naming the file’s position', async () => {
    const id = await world.upload();
    await world.database.db.execute(
      `update media set duration_ms = 301000, codec = 'av1', bit_rate = 25000001 where id = '${id}'`,
    );
    const reel = await publish('instagram', { accountId: instagram.id, mediaType: 'REELS', mediaId: id });
    expect([reel.status, reel.body.error.details.fields]).toMatchObject([
      400,
      [
        { field: 'mediaId', rule: 'video_codec' },
        { field: 'mediaId', rule: 'video_bit_rate' },
      ],
    ]);
    const children = [{ mediaId: videoId }, { mediaId: id }];
    const { body } = await publish('threads', {
      accountId: threads.id,
      mediaType: 'TEXT',
      postInfo: { text: 'a chain' },
      replies: [{ mediaType: 'CAROUSEL', children }],
    });
    expect(body.error.details.fields).toMatchObject([
      { field: 'replies.0.children.1.mediaId', rule: 'video_codec' },
      { field: 'replies.0.children.1.mediaId', rule: 'video_duration' },
    ]);
  });

  test('whose file Meta would refuse late is refused before any call, with the remedy', async () => {
    const bytes = readFileSync(new URL('fixtures/media/tail-422-ac3.mp4', import.meta.url));
    const mediaId = await world.upload(bytes);
    const rules = ['video_index', 'video_chroma', 'audio_codec', 'audio_channels'];
    const posts = [
      await publish('instagram', { accountId: instagram.id, mediaType: 'REELS', mediaId }),
      await publish('instagram', { accountId: instagram.id, mediaType: 'STORIES', mediaId }),
      await publish('threads', { accountId: threads.id, mediaType: 'VIDEO', mediaId }),
    ];
    for (const { status, body } of posts) {
      expect(status).toBe(400);
      const fields: Json[] = body.error.details.fields;
      const told = fields.filter(({ rule }) => rules.includes(rule));
      expect(told.map(({ rule }) => rule)).toEqual(rules);
      for (const { field, message } of told)
        expect([field, message]).toEqual(['mediaId', expect.stringContaining('ffmpeg -i in.mp4 ')]);
    }
  });

  test.each([
    ['instagram', { mediaType: 'IMAGE' }, ['mediaId', 'imageUrl']],
    ['instagram', { mediaType: 'REELS' }, ['mediaId', 'videoUrl']],
    ['instagram', { mediaType: 'STORIES' }, ['mediaId', 'imageUrl', 'videoUrl']],
    ['threads', { mediaType: 'IMAGE' }, ['mediaId', 'imageUrl']],
    ['threads', { mediaType: 'VIDEO' }, ['mediaId', 'videoUrl']],
    [
      'threads',
      { mediaType: 'CAROUSEL', children: [{}, { imageUrl: 'https://a.example/a.jpg' }] },
      ['children.0.mediaId', 'children.0.imageUrl', 'children.0.videoUrl'],
    ],
    [
      'threads',
      { mediaType: 'TEXT', postInfo: { text: 'a' }, replies: [{ mediaType: 'VIDEO' }] },
      ['replies.0.mediaId', 'replies.0.videoUrl'],
    ],
  ])('to %s without its file names the possible fields: %j', async (provider, body, names) => {
    const accountId = provider === 'instagram' ? instagram.id : threads.id;
    const answer = await publish(provider, { accountId, ...body });
    expect(answer.status).toBe(400);
    expect(answer.body.error.details.fields.map(({ field }: Json) => field)).toEqual(names);
  });

  test('whose cover is not online is refused', async () => {
    const { status, body } = await publish('instagram', {
      accountId: instagram.id,
      mediaType: 'REELS',
      mediaId: videoId,
      postInfo: { cover_url: 'https://a.example/ä.jpg' },
    });
    expect([status, body.error.details.fields]).toMatchObject([400, [{ field: 'postInfo.cover_url' }]]);
  });

  test('that needs a scope that the consent does not ask for is refused at once, naming it', async () => {
    const info = { text: 'here', location_id: '123' };
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'where?' } };
    for (const more of [{ postInfo: info }, { replies: [{ mediaType: 'TEXT', postInfo: info }] }]) {
      const answer = await publish('threads', { ...body, ...more });
      expect([answer.status, answer.body.error]).toMatchObject([
        409,
        { code: 'permission_missing', details: { scopes: ['threads_location_tagging'] } },
      ]);
    }
  });

  test('that has lost its scope since waits for the account, and names the scope', async () => {
    onTestFailed(() => world.tell());
    const scope = (value: string): Promise<unknown> =>
      world.database.db.execute(`update oauth_accounts set scope = ${value} where id = '${threads.id}'`);
    await scope(`scope || '{threads_location_tagging}'`);
    const answer = await publish('threads', {
      accountId: threads.id,
      mediaType: 'TEXT',
      postInfo: { text: 'here', location_id: '123' },
      scheduledAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    expect(answer.status).toBe(202);
    await scope(`array_remove(scope, 'threads_location_tagging')`);
    const at = new Date(Date.now() + 500).toISOString();
    await world.call('PATCH', `/api/posts/${answer.body.id}`, { body: { scheduledAt: at } });
    const { waiting } = await world.untilPost(answer.body.id, 'waiting_account');
    expect(waiting).toMatchObject({
      reason: 'account',
      userMessage: expect.stringContaining('threads_location_tagging'),
    });
    await world.call('POST', `/api/posts/${answer.body.id}/cancel`);
    await world.untilPost(answer.body.id, 'cancelled');
  });

  test('limited to countries fails before any part is live, unless the profile may limit them', async () => {
    onTestFailed(() => world.tell());
    const before = (await count('threads')).containers;
    const body = {
      accountId: threads.id,
      mediaType: 'TEXT',
      postInfo: { text: 'for all' },
      replies: [{ mediaType: 'TEXT', postInfo: { text: 'for some', allowlisted_country_codes: ['DE'] } }],
    };
    const answer = await publish('threads', body);
    const { error } = await world.untilPost(answer.body.id, 'failed');
    expect(error).toMatchObject({ code: 'feature_not_available', retryable: false });
    expect((await count('threads')).containers).toBe(before);

    await world.control('POST', '/threads/profiles', { username: 'sandbox_creator', geoGating: true });
    await published(await publish('threads', body));
  });

  test('with replies is refused without the permission, and waits for a lost one', async () => {
    onTestFailed(() => world.tell());
    const { post: open }: Json = await world.control('POST', '/threads/posts', { text: 'for all to answer' });
    const before = (await count('threads')).containers;
    const scope = (value: string): Promise<unknown> =>
      world.database.db.execute(`update oauth_accounts set scope = ${value} where id = '${threads.id}'`);
    const body = { accountId: threads.id, mediaType: 'TEXT' };
    const posts = [
      chain('allowed later'),
      { ...body, postInfo: { text: 'an answer for later', reply_to_id: open.id } },
      { ...body, postInfo: { text: 'for mine', reply_control: 'followers_only' } },
    ];
    const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
    const answers = await Promise.all(posts.map((post) => publish('threads', { ...post, scheduledAt })));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    await scope(`array_remove(scope, 'threads_manage_replies')`);
    for (const post of posts)
      expect((await publish('threads', { ...post, allowDuplicate: true })).body.error).toMatchObject({
        code: 'permission_missing',
        details: { scopes: ['threads_manage_replies'] },
      });
    const soon = new Date(Date.now() + 1000).toISOString();
    for (const { body: post } of answers) {
      await world.call('PATCH', `/api/posts/${post.id}`, { body: { scheduledAt: soon } });
      await world.untilPost(post.id, 'waiting_account');
    }
    expect((await count('threads')).containers).toBe(before);

    await scope(`scope || '{threads_manage_replies}'`);
    for (const answer of answers) {
      await world.skipTime(`post:${answer.body.id}`);
      await published(answer);
    }
  });

  test('in reply to a post that the account may not reply to fails, and the account stays unchanged', async () => {
    onTestFailed(() => world.tell());
    const spec = { username: 'stranger', text: 'not for you', replyControl: 'followers_only' };
    const { post: stranger }: Json = await world.control('POST', '/threads/posts', spec);
    const answer = await publish('threads', {
      accountId: threads.id,
      mediaType: 'TEXT',
      postInfo: { text: 'may I?', reply_to_id: stranger.id },
    });
    const { error } = await world.untilPost(answer.body.id, 'failed');
    expect(error).toMatchObject({
      code: 'reply_not_allowed',
      retryable: false,
      details: { providerCode: '10' },
    });
  });

  test('refused by the reply limit delays no post', async () => {
    onTestFailed(() => world.tell());
    const { post: open }: Json = await world.control('POST', '/threads/posts', { text: 'answer me' });
    await world.fault({
      endpoint: 'threads.publish',
      kind: 'status',
      http: 400,
      code: '9',
      message: 'limit',
    });
    const reply = await publish('threads', {
      accountId: threads.id,
      mediaType: 'TEXT',
      postInfo: { text: 'one too many', reply_to_id: open.id },
    });
    const { next } = await world.untilPost(reply.body.id, 'waiting_quota');
    expect(Date.parse(next.at)).toBeGreaterThan(Date.now() + 30 * 60_000);
    await published(
      await publish('threads', { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'no reply' } }),
    );
    await world.skipTime(`post:${reply.body.id}`);
    await published(reply);
    // The hour has not passed for the replies of other tests.
    await world.database.db.execute(`delete from quota_limits where bucket = 'reply'`);
  });

  test('with a key is the same post', async () => {
    onTestFailed(() => world.tell());
    const body = { accountId: threads.id, mediaType: 'TEXT', postInfo: { text: 'once' } };
    const headers = { 'idempotency-key': 'threads-once' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => publish('threads', body, headers)));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    await published(answers[0] ?? (await publish('threads', body, headers)));
  });
});

const texts = (name: string): string[] => [1, 2, 3].map((number) => `${name} ${number}`);

const chain = (name: string): object => {
  const [root, ...replies] = texts(name).map((text) => ({ mediaType: 'TEXT', postInfo: { text } }));
  return { accountId: threads.id, ...root, replies };
};

/** The live posts of a chain, in order; fails if one is live twice or has the wrong parent. */
async function liveParts(name: string): Promise<Json[]> {
  const answer: Json = await world.control('GET', '/threads/publishes');
  const all: Json[] = (answer.publishes ?? answer).filter((row: Json) => row.live);
  const parts = texts(name).flatMap((text) => {
    const same = all.filter((row) => row.text === text);
    expect(same.length, `${text} is live once`).toBeLessThanOrEqual(1);
    return same;
  });
  for (const [index, part] of parts.entries())
    expect(part.params.reply_to_id).toBe(index === 0 ? undefined : parts[index - 1].postId);
  return parts;
}

describe('a chain', () => {
  test('is published in order, with a carousel in it', async () => {
    onTestFailed(() => world.tell());
    const children = [{ mediaId: videoId, alt_text: 'one' }, { mediaId: videoId }];
    const post = await published(
      await publish('threads', {
        accountId: threads.id,
        mediaType: 'TEXT',
        postInfo: { text: 'in order 1', reply_control: 'mentioned_only' },
        replies: [
          { mediaType: 'CAROUSEL', children, postInfo: { text: 'in order 2' } },
          { mediaType: 'TEXT', postInfo: { text: 'in order 3' } },
        ],
      }),
    );
    const parts = await liveParts('in order');
    expect(parts).toHaveLength(3);
    expect(post).toMatchObject({
      publishId: parts[0].id,
      providerPostId: parts[0].postId,
      permalink: parts[0].permalink,
    });
  });

  test.each([
    ['text', { mediaType: 'TEXT' }, 'text_too_long'],
    ['file', { mediaType: 'IMAGE', imageUrl: 'http://127.0.0.1:9/gone.jpg' }, 'media_not_fetched'],
  ])('whose last %s Threads rejects is not started', async (_what, last, code) => {
    onTestFailed(() => world.tell());
    // 498 characters, 504 bytes: a public report says that they are refused.
    await world.control('POST', '/threads/options', { textCounts: 'bytes' });
    const name = `not begun ${code}`;
    const [one, two] = texts(name).map((text) => ({ mediaType: 'TEXT', postInfo: { text } }));
    const text = `${name} 3 `.padEnd(492, 'x') + 'é'.repeat(6);
    const three = { ...last, postInfo: { text: code === 'text_too_long' ? text : `${name} 3` } };
    expect([Array.from(text).length, Buffer.byteLength(text)]).toEqual([498, 504]);
    const { body } = await publish('threads', { accountId: threads.id, ...one, replies: [two, three] });
    const { error } = await world.untilPost(body.id, 'failed');
    await world.control('POST', '/threads/options', { textCounts: 'emoji-bytes' });
    expect(error).toMatchObject({ code, userMessage: expect.stringContaining('Nothing was published') });
    expect(await liveParts(name)).toEqual([]);
  });

  test('with a lost answer in the middle is live once', async () => {
    onTestFailed(() => world.tell());
    for (const after of [1, 3])
      await world.fault({ endpoint: 'threads.container', kind: 'accept-then-drop', after });
    await world.fault({ endpoint: 'threads.publish', kind: 'accept-then-drop', after: 1 });
    await published(await publish('threads', chain('lost')));
    expect(await liveParts('lost')).toHaveLength(3);
  });

  test('whose worker is killed in the middle is live once', async () => {
    onTestFailed(() => world.tell());
    await world.control('DELETE', '/requests');
    await world.fault({ endpoint: 'threads.publish', kind: 'slow', ms: 3000, after: 1 });
    const answer = await publish('threads', chain('killed'));
    await until('the second publish', async () =>
      (await world.requests('threads.publish')).length > 1 ? true : null,
    );
    const worker = world.children.find(({ name }) => name === 'worker');
    if (worker === undefined) throw new Error('no worker');
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    await world.spawn('worker');
    await published(answer);
    expect(await liveParts('killed')).toHaveLength(3);
  });

  test('refused in the middle lists its live posts, and is not published again', async () => {
    onTestFailed(() => world.tell());
    const refusal = { kind: 'status', http: 400, code: '25/2207050', message: 'restricted' };
    await world.fault({ endpoint: 'threads.publish', after: 1, ...refusal });
    const answer = await publish('threads', chain('refused'));
    const post = await world.untilPost(answer.body.id, 'failed');
    const [root, ...others] = await liveParts('refused');
    expect(others).toEqual([]);
    expect(post).toMatchObject({
      providerPostId: root.postId,
      error: {
        code: 'partly_published',
        retryable: false,
        details: {
          live: [{ step: 'publish', providerPostId: root.postId }],
          missing: ['reply:1/publish', 'reply:2/publish'],
          reason: { code: 'account_restricted' },
        },
      },
    });
    expect((await world.call('POST', `/api/posts/${post.id}/cancel`)).status).toBe(409);
    const again = await publish('threads', chain('refused'));
    expect([again.status, again.body.error.code]).toEqual([409, 'duplicate_post']);
  });

  test('that may not wait is refused if there is no place for each reply', async () => {
    await world.database.db.execute(
      `insert into quota_reservations (oauth_account_id, bucket) select '${threads.id}', 'reply' from generate_series(1, 999)`,
    );
    const { status, body } = await publish('threads', { ...chain('too many'), onQuota: 'fail' });
    expect([status, body.error.code, body.error.details.quota]).toEqual([429, 'quota_exceeded', 'reply']);
    await world.database.db.execute(`delete from quota_reservations where post_id is null`);
  });

  test('is refused naming the wrong field of its reply', async () => {
    const long = await publish('threads', {
      ...chain('wrong'),
      replies: [{ mediaType: 'TEXT', postInfo: { text: 'x'.repeat(501) } }],
    });
    expect([long.status, long.body.error.details.fields]).toMatchObject([
      400,
      [{ field: 'replies.0.postInfo.text' }],
    ]);
    const elsewhere = { mediaType: 'TEXT', postInfo: { text: 'x', reply_to_id: '1' } };
    const other = await publish('threads', { ...chain('wrong'), replies: [elsewhere] });
    expect(other.status).toBe(400);
  });
});

const fetched = async (url: string, init: RequestInit = {}): Promise<[number, string]> => {
  const answer = await fetch(url, { redirect: 'manual', ...init });
  return [answer.status, Buffer.from(await answer.arrayBuffer()).toString('latin1')];
};
const linkOf = (mediaId: string, keys = readConfig('server', world.env).keyring): string =>
  createMediaLinks(world.url, keys).url(mediaId);

describe('the link of a file for the platform', () => {
  test('returns all of it, its headers, and ranges of it, without a key', async () => {
    const link = linkOf(videoId);
    const whole = sampleVideo().toString('latin1');
    const size = whole.length;
    expect(await fetched(link)).toEqual([200, whole]);
    const head = await fetch(link, { method: 'HEAD' });
    const told = ['content-length', 'content-type', 'accept-ranges'].map((name) => head.headers.get(name));
    expect([head.status, ...told]).toEqual([200, String(size), 'video/mp4', 'bytes']);
    const ranges = ['bytes=2-4', 'bytes=-3', `bytes=${size - 5}-`];
    const parts = [whole.slice(2, 5), whole.slice(-3), whole.slice(-5)];
    for (const [index, range] of ranges.entries())
      expect(await fetched(link, { headers: { range } })).toEqual([206, parts[index]]);
    for (const range of ['bytes=5-2', 'bytes=-', 'bytes=0-1,3-4', 'lines=0-1'])
      expect(await fetched(link, { headers: { range } })).toEqual([200, whole]);
    for (const range of [`bytes=${size}-`, 'bytes=-0']) {
      const outside = await fetch(link, { headers: { range } });
      expect([outside.status, outside.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
      expect(await outside.json()).toMatchObject({ error: { code: 'range_not_satisfiable' } });
    }
  });

  test('returns nothing if it has expired, was changed, or has another key’s signature', async () => {
    const ended = new URL(linkOf(videoId));
    ended.searchParams.set('expires', String(Math.floor(Date.now() / 1000) - 1));
    const longer = new URL(linkOf(videoId));
    longer.searchParams.set('expires', String(Number(longer.searchParams.get('expires')) + 1));
    const other = linkOf(await world.upload(jpeg(), undefined, 'image/jpeg')).replace(
      /media\/[^/]+/,
      `media/${videoId}`,
    );
    const foreign = linkOf(videoId, { activeKeyId: 'x', keys: new Map([['x', randomBytes(32)]]) });
    for (const link of [ended.href, longer.href, other, foreign]) expect((await fetched(link))[0]).toBe(404);
  });
});

describe('callbacks', () => {
  test('the handshake succeeds with the right token', async () => {
    const ask = (token: string): Promise<Answer> =>
      world.call(
        'GET',
        `/api/webhooks/instagram?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${token}`,
        { key: null },
      );
    expect(await ask(world.secrets.verifyToken)).toMatchObject({ status: 200, text: '1158201444' });
    expect((await ask('guessed')).status).toBe(403);
    expect(await refusals('instagram')).toEqual(['forbidden']);
  });

  test('a forged deletion request is refused and audited', async () => {
    const answer = await world.call('POST', `${world.url}/api/webhooks/threads/data-deletion`, {
      key: null,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'signed_request=AAAA.e30',
    });
    expect(answer.body.error.code).toBe('invalid_signature');
    expect(await refusals('threads')).toEqual(['invalid_signature']);
  });

  test('a comment is stored', async () => {
    onTestFailed(() => world.tell());
    const [media] = await world.database.db.execute<Json>(
      sql`select provider_post_id as id from posts
          where oauth_account_id = ${instagram.id} and state = 'published' limit 1`,
    );
    await world.control('POST', '/instagram/comments', { mediaId: media?.['id'], text: 'nice' });
    const comment = await until('the comment', async () => {
      const [row] = await world.database.db.execute<Json>(`select * from ig_comments where text = 'nice'`);
      return row ?? null;
    });
    expect(comment.text).toBe('nice');
  });

  test('a batch may be large', async () => {
    const media = { id: '1' };
    const values = Array.from({ length: 20 }, (_one, index) => ({
      id: `large-${index}`,
      media,
      text: 'ä'.repeat(100_000),
    }));
    const answer = await sendComments(...values);
    expect([answer.status, answer.body]).toEqual([200, { received: 20 }]);
  });

  test.each([
    ['comments', { id: '1' }],
    ['mentions', { media_id: '2' }],
    ['messages', {}],
  ])('changes of %s without their values are each stored', async (field, value) => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/instagram/options', { webhookShape: 'fields' });
    const [first, second] = [1_700_000_001, 1_700_000_002];
    for (const time of [first, first, second])
      await world.control('POST', '/instagram/webhooks/send', { field, value, time });
    await world.control('POST', '/instagram/options', { webhookShape: 'changes' });
    const kept = await until('the events to be applied', async () => {
      const { body } = await world.call('GET', '/api/debug/events?limit=200', {
        key: world.secrets.adminKey,
      });
      const rows = body.data.filter((row: Json) => row.externalId.includes(`:changed:${field}:`));
      return rows.length >= 2 && rows.every((row: Json) => row.processedAt !== null) ? rows : null;
    });
    expect(kept.map((row: Json) => [row.eventType, row.payload.time]).toSorted()).toEqual([
      [field, first],
      [field, second],
    ]);
  });

  test('a creator who removes the app must reconnect', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/instagram/deauthorize', {});
    const account = await until('the account to be out of service', async () => {
      const { body } = await world.call('GET', `/api/accounts/${instagram.id}`);
      return body.status === 'reauth_required' ? body : null;
    });
    expect(account.statusReason).toEqual(expect.any(String));
  });

  test('a deletion is carried out, and has a status page', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/threads/data-deletion', {});
    const done = await until('the answer', async () => {
      const rows: Json = await world.control('GET', '/threads/callbacks');
      return (rows.callbacks ?? rows).find((row: Json) => row.confirmationCode !== undefined) ?? null;
    });
    // Before the deletion was reported as complete, not afterwards.
    const [tokens] = await world.database.db.execute<Json>(
      `select access_token_encrypted as access, refresh_token_encrypted as refresh, data_key_id as key
         from oauth_accounts where id = '${threads.id}'`,
    );
    expect(tokens).toEqual({ access: null, refresh: null, key: null });
    const page = await world.call('GET', done.url, { key: null });
    expect(page.body).toMatchObject({ provider: 'threads', state: 'completed' });
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    const shown = await world.call('GET', done.url, { key: null, headers: { accept } });
    expect(shown.text).toContain('The data of your Threads account has been deleted from this server.');
    await until('the account to be gone', async () => {
      const { body } = await world.call('GET', `/api/accounts/${threads.id}`);
      return body.status === 'disconnected' ? true : null;
    });
  });

  test('a deletion leaves none of the creator’s data, and nothing is stored afterwards', async () => {
    onTestFailed(() => world.tell());
    const { db } = world.database;
    const known = async (): Promise<Json> => {
      const [row] = await db.execute(sql`
        select username, (select count(*)::int from ig_media) + (select count(*)::int from ig_comments) as copies,
          (select count(*)::int from webhook_events where provider_account_id = ${instagram.openId}) as events
        from oauth_accounts where id = ${instagram.id}`);
      return row;
    };
    const before = await known();
    expect(before).toEqual({
      username: 'sandbox_creator',
      copies: expect.any(Number),
      events: expect.any(Number),
    });
    expect(before.copies * before.events).toBeGreaterThan(0);
    await world.control('POST', '/instagram/data-deletion', {});
    await until('the deletion', async () => ((await known()).username === null ? true : null));
    expect(await known()).toEqual({ username: null, copies: 0, events: 0 });

    await sendComments({ id: 'late', media: { id: '1' }, text: 'after the deletion' });
    await until('the comment to be applied', async () => {
      const rows = await db.execute(
        sql`select 1 from webhook_events where provider_account_id = ${instagram.openId} and processed_at is not null`,
      );
      return rows.length > 0 ? true : null;
    });
    expect(await known()).toMatchObject({ copies: 0 });
  });
});
