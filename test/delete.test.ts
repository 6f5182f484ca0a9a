import process from 'node:process';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { jpeg } from '../sandbox/testing/media.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/* Deletes live posts completely, through every layer. */

let world: World;
let accountId: string;
beforeAll(async () => {
  world = await createWorld();
  accountId = await connect('threads', {});
});
afterAll(() => world?.close());

async function connect(provider: string, consent: object): Promise<string> {
  const { answer } = await world.visitConsent({ ...consent }, world.user.key, provider);
  expect(answer.status).toBe(200);
  return answer.body.accounts[0].id;
}

/** Connects another creator, with separate quotas and permissions. */
async function connectOther(username: string, consent: object = {}): Promise<string> {
  await world.control('POST', '/threads/profiles', { username });
  return connect('threads', { creator: username, ...consent });
}

const unit = (text: string): object => ({ mediaType: 'TEXT', postInfo: { text } });

async function published(body: object): Promise<Json> {
  const answer = await world.call('POST', '/api/threads/publish', { body: { accountId, ...body } });
  expect(answer.status).toBe(202);
  return world.untilPost(answer.body.id, 'published');
}

const remove = (id: string, key = world.user.key): Promise<Answer> =>
  world.call('DELETE', `/api/posts/${id}`, { key });

const deleted = (id: string): Promise<Json> =>
  until('the post to be deleted', async () => {
    const post = await world.getPost(id);
    if (post.deletion?.error != null) throw new Error(JSON.stringify(post.deletion.error));
    return post.deletedAt === null ? null : post;
  });

const refused = (id: string): Promise<Json> =>
  until('the deletion to be refused', async () => (await world.getPost(id)).deletion?.error ?? null);

/** The live posts at Threads, by their texts. */
async function liveTexts(): Promise<string[]> {
  const rows: Json = await world.control('GET', '/threads/posts');
  return rows.map(({ text }: Json) => text);
}

describe('a live post', () => {
  test('is deleted, keeps its record, and can be published again', async () => {
    onTestFailed(() => world.tell());
    const post = await published(unit('a mistake'));
    expect(await liveTexts()).toContain('a mistake');
    const answer = await remove(post.id);
    expect([answer.status, answer.body.deletion]).toMatchObject([202, { error: null }]);
    const gone = await deleted(post.id);
    expect(gone).toMatchObject({ state: 'published', providerPostId: post.providerPostId, next: null });
    expect(await liveTexts()).not.toContain('a mistake');

    const again = await remove(post.id);
    expect([again.status, again.body.deletedAt]).toEqual([202, gone.deletedAt]);
    expect((await published(unit('a mistake'))).id).not.toBe(post.id);
  });

  test('is deleted with all its replies, the last first', async () => {
    onTestFailed(() => world.tell());
    const post = await published({ ...unit('one'), replies: [unit('two'), unit('three')] });
    await world.control('DELETE', '/requests');
    await remove(post.id);
    await deleted(post.id);
    const left = await liveTexts();
    expect(left.filter((text) => ['one', 'two', 'three'].includes(text))).toEqual([]);
    const calls = await world.requests('threads.delete');
    expect(calls.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(calls.at(-1).path).toContain(post.providerPostId);
  });

  test('is deleted as far as it was published', async () => {
    onTestFailed(() => world.tell());
    const refusal = { kind: 'status', http: 400, code: '25/2207050', message: 'restricted' };
    await world.fault({ endpoint: 'threads.publish', after: 1, ...refusal });
    const body = { accountId, ...unit('first half'), replies: [unit('second half')] };
    const { body: post } = await world.call('POST', '/api/threads/publish', { body });
    await world.untilPost(post.id, 'failed');
    expect(await liveTexts()).toContain('first half');
    await remove(post.id);
    await deleted(post.id);
    expect(await liveTexts()).not.toContain('first half');
  });

  test('whose deletion lost its answer is found to be gone', async () => {
    onTestFailed(() => world.tell());
    const post = await published(unit('lost'));
    await world.control('DELETE', '/requests');
    await world.fault({ endpoint: 'threads.delete', kind: 'accept-then-drop' });
    await remove(post.id);
    await deleted(post.id);
    expect(await world.requests('threads.delete')).toHaveLength(2);
    const held = await world.database.db.execute(
      sql`select 1 from quota_reservations where post_id = ${post.id} and bucket = 'delete' and released_at is null`,
    );
    expect(held).toHaveLength(1);
  });

  test('is deleted whichever process dies meanwhile', async () => {
    onTestFailed(() => world.tell());
    const post = await published({ ...unit('alpha'), replies: [unit('beta')] });
    await world.control('DELETE', '/requests');
    await world.fault({ endpoint: 'threads.delete', kind: 'slow', ms: 3000 });
    await remove(post.id);
    await until('the first call', async () =>
      (await world.requests('threads.delete')).length > 0 ? true : null,
    );
    const worker = world.children.find(({ name }) => name === 'worker');
    if (worker === undefined) throw new Error('no worker');
    process.kill(worker.pid, 'SIGKILL');
    await worker.exited;
    await world.spawn('worker');
    await deleted(post.id);
    expect(await liveTexts()).not.toEqual(expect.arrayContaining(['alpha']));
    expect(await liveTexts()).not.toEqual(expect.arrayContaining(['beta']));
  });

  test('is deleted by the sweep if the server could not start it', async () => {
    onTestFailed(() => world.tell());
    const post = await published(unit('forgotten'));
    await world.database.db.execute(
      sql`update posts set deletion_requested_at = now() where id = ${post.id}`,
    );
    expect(await world.sweep()).toMatchObject({ deletions: 1 });
    await deleted(post.id);
    expect(await world.sweep()).toMatchObject({ deletions: 0 });
  });
});

describe('a deletion', () => {
  test('without its permission is refused, naming the scope', async () => {
    onTestFailed(() => world.tell());
    const scopes = ['threads_basic', 'threads_content_publish'];
    const id = await connectOther('careful', { scopes });
    const post = await published({ accountId: id, ...unit('stays') });
    const { status, body } = await remove(post.id);
    expect([status, body.error]).toMatchObject([
      409,
      { code: 'permission_missing', details: { scopes: ['threads_delete'] } },
    ]);

    // Threads does not always list the granted scopes: then the call shows it.
    await world.database.db.execute(
      sql`update oauth_accounts set scope = scope || '{threads_delete}' where id = ${id}`,
    );
    expect((await remove(post.id)).status).toBe(202);
    expect(await refused(post.id)).toMatchObject({
      code: 'permission_missing',
      userMessage: expect.stringContaining('threads_delete'),
    });
    expect(await liveTexts()).toContain('stays');
  });

  test('with a dead token is refused, and succeeds once the creator has reconnected', async () => {
    onTestFailed(() => world.tell());
    const id = await connectOther('leaves');
    const post = await published({ accountId: id, ...unit('of somebody who left') });
    await world.control('POST', '/threads/invalidate', { username: 'leaves' });
    expect((await remove(post.id)).status).toBe(202);
    expect(await refused(post.id)).toMatchObject({ code: 'reauth_required' });
    const { status, body } = await remove(post.id);
    expect([status, body.error.code]).toEqual([409, 'reauth_required']);
    await connect('threads', { creator: 'leaves' });
    expect((await remove(post.id)).body.deletion.error).toBeNull();
    await deleted(post.id);
  });

  test('waits for the quota, of the ledger and of Threads', async () => {
    onTestFailed(() => world.tell());
    const id = await connectOther('tidy');
    const post = await published({ accountId: id, ...unit('one too many') });
    await world.database.db.execute(
      sql`insert into quota_reservations (oauth_account_id, bucket) select ${id}, 'delete' from generate_series(1, 100)`,
    );
    await remove(post.id);
    const waits = (): Promise<Json> =>
      until('the deletion to wait', async () => (await world.getPost(post.id)).next);
    const day = new Date((await waits()).at).getTime() - Date.now();
    expect(day).toBeGreaterThan(23 * 3_600_000);
    expect(await liveTexts()).toContain('one too many');

    await world.control('POST', '/threads/options', { deletesPerDay: 0 });
    await world.database.db.execute(
      sql`update quota_reservations set at = at - interval '25 hours' where oauth_account_id = ${id}`,
    );
    await world.skipTime(`delete:${post.id}`);
    await until('Threads to refuse', async () =>
      (await world.requests('threads.delete')).some(({ status }) => status === 400) ? true : null,
    );
    expect(await liveTexts()).toContain('one too many');
    await world.control('POST', '/threads/options', { deletesPerDay: 100 });
    await deleted(post.id);
  });

  test('waits while Threads accepts no calls for the account', async () => {
    onTestFailed(() => world.tell());
    const id = await connectOther('busy');
    const [first, second] = [
      await published({ accountId: id, ...unit('first of two') }),
      await published({ accountId: id, ...unit('second of two') }),
    ];
    await world.control('DELETE', '/requests');
    await world.fault({ endpoint: 'threads.delete', kind: 'status', http: 400, code: '4' });
    for (const post of [first, second]) {
      await remove(post.id);
      await until('the deletion to wait', async () => (await world.getPost(post.id)).next);
    }
    expect(await world.requests('threads.delete')).toHaveLength(1);
    await world.database.db.execute(
      sql`update oauth_accounts set calls_refused_until = now() where id = ${id}`,
    );
    for (const post of [first, second]) {
      await world.skipTime(`delete:${post.id}`);
      await deleted(post.id);
    }
  });

  test('counts in the limits of the account', async () => {
    const { body } = await world.call('GET', `/api/threads/limits?accountId=${accountId}`);
    expect(body.quotas.map(({ quota }: Json) => quota)).toEqual(['publish', 'reply', 'delete']);
  });

  test('of a post without live parts is refused', async () => {
    const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
    const body = { accountId, ...unit('later'), scheduledAt };
    const { body: post } = await world.call('POST', '/api/threads/publish', { body });
    const answer = await remove(post.id);
    expect([answer.status, answer.body.error]).toMatchObject([
      409,
      { code: 'nothing_live', details: { state: 'scheduled' } },
    ]);
  });

  test('is refused by a platform that does not let apps delete', async () => {
    onTestFailed(() => world.tell());
    const instagram = await connect('instagram', {});
    const mediaId = await world.upload(jpeg(), undefined, 'image/jpeg');
    const body = { accountId: instagram, mediaType: 'IMAGE', mediaId };
    const answer = await world.call('POST', '/api/instagram/publish', { body });
    const post = await world.untilPost(answer.body.id, 'published');
    const refusal = await remove(post.id);
    expect([refusal.status, refusal.body.error]).toMatchObject([
      422,
      { code: 'deletion_not_supported', details: { permalink: post.permalink } },
    ]);
  });

  test('of another user’s post is answered like that of an unknown one', async () => {
    const post = await published(unit('not yours'));
    const { key } = await world.newUser();
    expect((await remove(post.id, key)).status).toBe(404);
    expect(await liveTexts()).toContain('not yours');
  });
});
