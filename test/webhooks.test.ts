import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { sendRaw } from './raw-http.ts';
import { createWorld, sampleVideo, until, type Answer, type Json, type World } from './world.ts';

/* TikTok's events are stored once, applied once, and trusted only if signed. */

const secret = randomBytes(24).toString('hex');
const otherSecret = randomBytes(24).toString('hex');

let world: World;
let mediaId: string;
let creator: string;
let account: Json;
beforeAll(async () => {
  world = await createWorld({
    clientSecret: secret,
    env: { TIKTOK_WEBHOOK_SECRET: `${secret},${otherSecret}` },
  });
  mediaId = await world.upload();
});
afterAll(() => world?.close());
// Inits are limited for each account.
beforeEach(async () => {
  await world.control('DELETE', '/faults');
  await world.control('POST', '/tiktok/options', { processingMs: 200, moderationMs: 200 });
  creator = `creator_${randomUUID().slice(0, 8)}`;
  account = await accountOf(await world.connect(creator));
});

const HOUR = 3600;
const now = (): number => Math.floor(Date.now() / 1000);
const PATH = '/api/webhooks/tiktok';

const accountOf = async (id: string): Promise<Json> => (await world.call('GET', `/api/accounts/${id}`)).body;
const debug = (method: string, path: string): Promise<Answer> =>
  world.call(method, `/api/debug${path}`, { key: world.secrets.adminKey });

/** An event in TikTok's format. */
function eventText(event: string, content: object = {}, more: object = {}): string {
  return JSON.stringify({
    client_key: world.app.clientKey,
    event,
    create_time: now(),
    user_openid: account.openId,
    content: JSON.stringify(content),
    ...more,
  });
}

function sign(body: string | Uint8Array, t = now(), key = secret): string {
  return `t=${t},s=${createHmac('sha256', key).update(`${t}.`).update(body).digest('hex')}`;
}

/** Delivers a body with this signature; by default a valid one, with null none. */
async function deliver(
  body: string,
  signature: string | null = sign(body),
): Promise<{ status: number; body: Json }> {
  const headers = signature === null ? {} : { 'tiktok-signature': signature };
  return world.call('POST', PATH, { key: null, body, headers });
}

const rowsOf = async (needle: string): Promise<Json[]> =>
  world.database.db.execute(
    sql`select * from webhook_events where payload_json::text like ${`%${needle}%`} order by received_at`,
  );

async function untilApplied(needle: string): Promise<Json> {
  return until(`the event with ${needle} to be applied`, async () => {
    const [row] = await rowsOf(needle);
    return row?.processed_at == null ? null : row;
  });
}

const auditRows = async (action: string, subject: string): Promise<Json[]> =>
  world.database.db.execute(
    sql`select * from audit_log where action = ${action} and subject = ${subject} order by at`,
  );

async function publish(changes: Record<string, unknown> = {}): Promise<string> {
  const accepted = await world.publish({ accountId: account.id, mediaId, allowDuplicate: true, ...changes });
  if (accepted.status !== 202) throw new Error(`not accepted: ${accepted.text}`);
  return accepted.body.id;
}

/** Lets TikTok send an event about a publish. */
const send = (event: string, content: object): Promise<unknown> =>
  world.control('POST', '/tiktok/webhooks/send', {
    event: `post.publish.${event}`,
    openId: account.openId,
    content,
  });

/** The end of a workflow. */
async function ended(workflowId: string): Promise<string> {
  return until(`${workflowId} to end`, async () => {
    const { status } = await world.temporal.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' ? null : status.name;
  });
}

describe('a delivery', () => {
  test.each(['', 'json', 'application/json; charset', 'text/plain, application/json'])(
    'is accepted for its signature, whatever its Content-Type: %j',
    async (type) => {
      const body = eventText('authorization.removed', { reason: 1 });
      const headers = { 'content-type': type, 'tiktok-signature': sign(body) };
      const answer = await sendRaw(world.url, 'POST', '/api/webhooks/tiktok', headers, body);
      expect([answer.status, answer.text]).toEqual([200, '{"received":1}']);
    },
  );

  test('is stored even if the rest of the batch cannot be', async () => {
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const good = ids.map((id) => eventText('post.publish.unheard_of', { publish_id: id }));
    const { db } = world.database;
    await db.execute(
      sql`alter table webhook_events add constraint refuses check (provider_account_id <> 'nobody')`,
    );
    const bad = eventText('post.publish.unheard_of', {}, { user_openid: 'nobody' });
    const answers = await Promise.all(
      [...good.slice(0, 10), bad, ...good.slice(10)].map((body) => deliver(body)),
    );
    await db.execute(sql`alter table webhook_events drop constraint refuses`);
    const refused = answers.splice(10, 1);
    expect(refused.map(({ status }) => status)).toEqual([500]);
    expect(answers.map(({ status }) => status)).toEqual(good.map(() => 200));
    const stored = await Promise.all(ids.map(rowsOf));
    expect(stored.map((rows) => rows.length)).toEqual(good.map(() => 1));
  });

  test('is stored and applied once, however often it comes', async () => {
    onTestFailed(() => world.tell());
    const body = eventText('authorization.removed', { reason: 1 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => deliver(body)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await untilApplied(account.openId);
    expect(await deliver(body)).toMatchObject({ status: 200, body: { received: 1 } });
    const rows = await rowsOf(account.openId);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      provider: 'tiktok',
      event_type: 'authorization.removed',
      provider_account_id: account.openId,
      error_message: null,
    });
    expect(await ended(`webhook:tiktok:${rows[0].external_id}`)).toBe('COMPLETED');
    expect(await auditRows('account.reauth_required', account.id)).toHaveLength(1);
  });

  test.for<[string, (body: string) => [string, string | null]]>([
    ['signed with a secret that is not ours', (body) => [body, sign(body, now(), 'f'.repeat(48))]],
    ['changed after it was signed', (body) => [body.replace('"reason', '"Reason'), sign(body)]],
    ['without a signature', (body) => [body, null]],
    ['with a signature of another time', (body) => [body, sign(body).replace(/^t=\d+/, `t=${now() - 5}`)]],
    ['with half a signature', (body) => [body, sign(body).slice(0, -10)]],
    ['with words for a signature', (body) => [body, 'trust me']],
  ])('%s is refused, audited and not stored', async ([_name, forge]) => {
    onTestFailed(() => world.tell());
    const before = (await auditRows('webhook.refused', 'tiktok')).length;
    const answer = await deliver(...forge(eventText('authorization.removed', { reason: 1 })));
    expect(answer.status).toBe(401);
    expect(answer.body.error).toMatchObject({ code: 'invalid_signature', retryable: false });
    expect(await auditRows('webhook.refused', 'tiktok')).toHaveLength(before + 1);
    expect(await rowsOf(account.openId)).toEqual([]);
    expect((await accountOf(account.id)).status).toBe('active');
  });

  test('may be signed with each of several secrets', async () => {
    onTestFailed(() => world.tell());
    const first = eventText('first.secret');
    const second = eventText('second.secret');
    expect((await deliver(first, sign(first, now(), secret))).status).toBe(200);
    expect((await deliver(second, sign(second, now(), otherSecret))).status).toBe(200);
    expect(await rowsOf(account.openId)).toHaveLength(2);
  });

  test.for<[string, number, number]>([
    ['71 hours ago', -71 * HOUR, 200],
    ['73 hours ago', -73 * HOUR, 401],
    ['four minutes ahead', 240, 200],
    ['six minutes ahead', 360, 401],
  ])('signed %s', async ([_name, seconds, status]) => {
    const body = eventText('some.event');
    expect((await deliver(body, sign(body, now() + seconds))).status).toBe(status);
    expect(await rowsOf(account.openId)).toHaveLength(status === 200 ? 1 : 0);
  });

  test.for(['', 'hello', '{"event":', '[]', '"text"', 'null'])('signed, but %j', async (body) => {
    const answer = await deliver(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe('malformed_json');
  });

  test('of an unknown type, with unknown fields, is stored unchanged, every digit', async () => {
    onTestFailed(() => world.tell());
    const marker = randomUUID();
    const body = `{"event":"something.new","user_openid":"${account.openId}", "big":9007199254740993,"price":1.10,"marker":"${marker}","nested":{"a":[1e400,-0]},"content":""}`;
    expect((await deliver(body)).status).toBe(200);
    await untilApplied(marker);
    const { text, body: list } = await debug('GET', '/events');
    const shown = list.data.find((event: Json) => event.payload.marker === marker);
    expect(shown).toMatchObject({
      provider: 'tiktok',
      eventType: 'something.new',
      errorMessage: null,
      retryCount: 0,
    });
    expect(new Date(shown.processedAt).getTime()).toBeGreaterThanOrEqual(
      new Date(shown.receivedAt).getTime(),
    );
    expect(text).toContain(`"payload":${body},`);
  });

  test.for(['{}', '{"event":7,"content":{"publish_id":5},"create_time":"x","user_openid":[]}'])(
    'of any JSON object is stored: %s',
    async (body) => {
      expect((await deliver(body)).status).toBe(200);
      await until('the event', async () => {
        const { body: list } = await debug('GET', '/events');
        const event = list.data.find((row: Json) => JSON.stringify(row.payload) === body);
        return event?.processedAt == null ? null : event;
      });
    },
  );

  test('for an unknown account is stored with its error, and applied by a replay', async () => {
    onTestFailed(() => world.tell());
    const name = `stranger_${randomUUID().slice(0, 8)}`;
    const stranger: Json = await world.control('POST', '/tiktok/creators', { username: name });
    // From a clock that runs ahead: an event from before the consent would rightly change nothing.
    const body = eventText(
      'authorization.removed',
      { reason: 1 },
      { user_openid: stranger.openId, create_time: now() + 120 },
    );
    expect((await deliver(body)).status).toBe(200);
    const shown = async (): Promise<Json> =>
      (await debug('GET', '/events')).body.data.find(
        (event: Json) => event.payload.user_openid === stranger.openId,
      );
    const kept = await until('the error', async () => {
      const event = await shown();
      return event?.errorMessage == null ? null : event;
    });
    expect(kept).toMatchObject({ errorMessage: 'no account has this id', processedAt: null });

    const id = await world.connect(name);
    expect((await accountOf(id)).status).toBe('active');
    expect((await debug('POST', `/events/${kept.id}/replay`)).status).toBe(202);
    await until('the replay', async () => ((await shown()).processedAt === null ? null : true));
    expect(await shown()).toMatchObject({ id: kept.id, errorMessage: null });
    expect(await accountOf(id)).toMatchObject({
      status: 'reauth_required',
      statusReason: 'disconnected_by_creator',
    });
    expect(await rowsOf(stranger.openId)).toHaveLength(1);
  });

  test('a replay of an unknown event is 404, and only the operator may ask', async () => {
    expect((await debug('POST', `/events/${randomUUID()}/replay`)).status).toBe(404);
    expect((await debug('POST', '/events/nonsense/replay')).status).toBe(404);
    expect((await world.call('POST', `/api/debug/events/${randomUUID()}/replay`)).status).toBe(403);
  });
});

describe('a publish whose status calls TikTok never answers', () => {
  beforeEach(() => world.fault({ endpoint: 'status', kind: 'slow', ms: 60_000, times: 0 }));

  test('is published by `complete`, and gets its id and permalink by `publicly_available`', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/tiktok/options', { processingMs: HOUR * 1000 });
    await world.control('DELETE', '/requests');
    const id = await publish();
    const { publishId } = await world.untilPost(id, 'processing');
    // From here on only the event can end the post: the call gets no answer.
    await until('a status call', async () => ((await world.requests('status')).length > 0 ? true : null));
    await send('complete', { publish_id: publishId, publish_type: 'DIRECT_PUBLISH' });
    expect(await world.untilPost(id, 'published')).toMatchObject({
      providerPostId: null,
      permalink: null,
      error: null,
    });
    expect(await ended(`post:${id}`)).toBe('COMPLETED');
    const { events = [] } = await world.temporal.workflow.getHandle(`post:${id}`).fetchHistory();
    const signals = events?.map((event) => event.workflowExecutionSignaledEventAttributes?.signalName);
    expect(signals).toContain('postSettled');
    const postId = '7602997517160123666';
    await send('publicly_available', {
      publish_id: publishId,
      publish_type: 'DIRECT_PUBLISH',
      post_id: postId,
    });
    const post = await until('the permalink', async () => {
      const shown = await world.getPost(id);
      return shown.permalink === null ? null : shown;
    });
    expect(post).toMatchObject({
      state: 'published',
      providerPostId: postId,
      permalink: `https://www.tiktok.com/@${creator}/video/${postId}`,
    });
  });

  test('may get the id first', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/webhooks', { reorder: 2 });
    const id = await publish();
    const post = await world.untilPost(id, 'published');
    expect(post.providerPostId).not.toBeNull();
    await until('both events', async () => {
      const rows = await rowsOf(post.publishId);
      return rows.filter((row) => row.processed_at !== null).length === 2 ? true : null;
    });
    expect(await world.getPost(id)).toMatchObject({
      state: 'published',
      providerPostId: post.providerPostId,
      permalink: post.permalink,
    });
  });

  test('is delivered by `inbox_delivered`, and published when the creator posts the draft', async () => {
    onTestFailed(() => world.tell());
    const id = await publish({ mode: 'inbox' });
    const { publishId } = await world.untilPost(id, 'delivered');
    expect(await ended(`post:${id}`)).toBe('COMPLETED');
    await world.control('POST', '/tiktok/post-draft', { publishId });
    const post = await until('the permalink', async () => {
      const shown = await world.getPost(id);
      return shown.permalink === null ? null : shown;
    });
    expect(post.state).toBe('published');
  });

  test.for<[string, string, RegExp]>([
    ['spam_risk_text', 'spam_risk_text', /caption/],
    ['file_format_check_failed', 'file_format_check_failed', /format/],
    ['something_new', 'provider_failed', /something_new/],
  ])('fails with the reason of `failed`: %s', async ([reason, code, userMessage]) => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/tiktok/fail-next', { reason });
    const id = await publish();
    const post = await world.untilPost(id, 'failed');
    expect(post.error).toMatchObject({
      code,
      userMessage: expect.stringMatching(userMessage),
      details: { provider: 'tiktok', providerCode: reason },
    });
    expect(await ended(`post:${id}`)).toBe('COMPLETED');
  });

  test('and whose webhook precedes the answer of init, is published when the id becomes known', async () => {
    onTestFailed(() => world.tell());
    const bytes = sampleVideo();
    const host = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': bytes.length }).end(bytes);
    }).listen(0, '127.0.0.1');
    await once(host, 'listening');
    const address = host.address();
    const videoUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/v.mp4`;
    try {
      await world.fault({ endpoint: 'video.init', kind: 'slow', ms: 3000 });
      const id = await publish({ source: 'PULL_FROM_URL', mediaId: undefined, videoUrl });
      await until('init to be sent', async () => {
        const { body } = await debug('GET', `/attempts?postId=${id}`);
        return body.data.some((attempt: Json) => attempt.status === 'sent') ? true : null;
      });
      // Every transaction that records the answer of init must wait for this one.
      const publishId = await world.database.db.transaction(async (tx) => {
        await tx.execute(sql`select 1 from posts where id = ${id} for update`);
        const made = await until('TikTok to have published', async () => {
          const rows: Json = await world.control('GET', `/tiktok/publishes?openId=${account.openId}`);
          return rows[0]?.live === true ? rows[0] : null;
        });
        await until('the event to find no post', async () => {
          const [row] = await rowsOf(made.id);
          return row?.error_message === 'no post has this publish id yet' ? true : null;
        });
        const [row]: Json[] = await tx.execute(sql`select publish_id from posts where id = ${id}`);
        expect(row.publish_id).toBeNull();
        return made.id;
      });
      const post = await world.untilPost(id, 'published');
      expect(post.publishId).toBe(publishId);
      expect(await ended(`post:${id}`)).toBe('COMPLETED');
      expect(await untilApplied(publishId)).toMatchObject({ error_message: null });
    } finally {
      host.close();
    }
  });

  test('and whose webhook met a stopped server, is published by the next try', async () => {
    onTestFailed(() => world.tell());
    await world.control('POST', '/tiktok/options', { processingMs: HOUR * 1000 });
    const id = await publish();
    const { publishId } = await world.untilPost(id, 'processing');
    await world.children.find((child) => child.name === 'server' && child.isRunning())?.stop();
    await send('complete', { publish_id: publishId });
    const delivery = async (): Promise<Json> => {
      const all: Json = await world.control('GET', '/tiktok/deliveries');
      return all.find((row: Json) => row.body.includes(publishId));
    };
    await until('a try in vain', async () => ((await delivery()).attempts.length > 0 ? true : null));
    await world.spawn('server');
    await until('the server', async () =>
      (await world.call('GET', '/livez', { key: null }).catch(() => null))?.status === 200 ? true : null,
    );
    await world.untilPost(id, 'published');
    const { state, attempts } = await delivery();
    expect(state).toBe('delivered');
    expect(attempts[0].status).toBeNull();
    expect(attempts.at(-1).status).toBe(200);
  });
});

test('polls and webhooks race: each post is published once, and every workflow ends', async () => {
  onTestFailed(() => world.tell());
  await world.control('POST', '/tiktok/options', { processingMs: 1000, moderationMs: 300 });
  await world.control('POST', '/webhooks', { duplicate: 1000 });
  const owners = [account];
  for (let more = 0; more < 3; more += 1)
    owners.push(await accountOf(await world.connect(`creator_${randomUUID().slice(0, 8)}`)));
  const ids = await Promise.all(
    owners.flatMap(({ id }) => Array.from({ length: 5 }, () => publish({ accountId: id }))),
  );
  for (const id of ids) {
    const post = await world.untilPost(id, 'published');
    expect(await ended(`post:${id}`)).toBe('COMPLETED');
    await until('both events', async () => {
      const rows = await rowsOf(post.publishId);
      expect(rows.length).toBeLessThanOrEqual(2);
      return rows.filter((row) => row.processed_at !== null).length === 2 ? true : null;
    });
    expect((await world.getPost(id)).permalink).not.toBeNull();
  }
  for (const { openId } of owners)
    expect(await world.control('GET', `/tiktok/count?openId=${openId}`)).toMatchObject({ total: 5, live: 5 });
  await world.control('POST', '/webhooks', { duplicate: 0 });
});

describe('a removed permission', () => {
  test('ends the use of its token; a post waits, and is published when the creator returns', async () => {
    onTestFailed(() => world.tell());
    const tokens = new Set(
      (await world.requests('user.info')).map(({ headers }) => String(headers.authorization)),
    );
    await world.control('DELETE', '/requests');
    await world.control('POST', '/tiktok/revoke', { openId: account.openId, reason: 1 });
    await until('the account to be out of service', async () =>
      (await accountOf(account.id)).status === 'active' ? null : true,
    );
    expect(await accountOf(account.id)).toMatchObject({
      status: 'reauth_required',
      statusReason: 'disconnected_by_creator',
    });
    const [row, ...others] = await auditRows('account.reauth_required', account.id);
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      actor: 'tiktok',
      user_id: world.user.id,
      details: { reason: 'disconnected_by_creator' },
    });
    expect(await ended(`token:tiktok:${account.id}`)).toBe('COMPLETED');

    const id = await publish();
    await world.untilPost(id, 'waiting_account');
    const info = await world.call('GET', `/api/tiktok/creator-info?accountId=${account.id}`);
    expect(info.status).toBe(409);
    expect(info.body.error.code).toBe('reauth_required');
    await world.temporal.workflow.getHandle(`post:${id}`).signal('lookAgain');
    await world.sweep();
    expect(await world.getPost(id)).toMatchObject({ state: 'waiting_account' });
    expect(await world.requests()).toEqual([]);

    expect(await world.connect(creator)).toBe(account.id);
    await world.untilPost(id, 'published');
    const used = (await world.requests()).map(({ headers }) => headers.authorization);
    expect(used.length).toBeGreaterThan(0);
    for (const token of used) expect(tokens.has(String(token))).toBe(false);
  });

  test.for<[number, string]>([
    [2, 'account_deleted'],
    [4, 'account_banned'],
  ])('for reason %i disconnects the account: %s', async ([reason, statusReason]) => {
    onTestFailed(() => world.tell());
    const waiting = await publish({ scheduledAt: new Date((now() + HOUR) * 1000).toISOString() });
    await world.control('DELETE', '/requests');
    await world.control('POST', '/tiktok/revoke', { openId: account.openId, reason });
    await until('the tokens to be wiped', async () => {
      const { body } = await debug('GET', `/accounts/${account.id}`);
      return body.hasAccessToken || body.hasRefreshToken ? null : true;
    });
    expect(await accountOf(account.id)).toMatchObject({ status: 'disconnected', statusReason });
    expect(await auditRows('account.disconnected', account.id)).toHaveLength(1);
    expect(await ended(`token:tiktok:${account.id}`)).toBe('COMPLETED');
    // Nobody asked to cancel it.
    expect((await world.untilPost(waiting, 'failed')).error.code).toBe('account_disconnected');
    expect(await world.requests()).toEqual([]);
    const refused = await world.publish({ accountId: account.id, mediaId });
    expect(refused.status).toBe(409);
    expect(refused.body.error.code).toBe('account_disconnected');
  });

  test('before the last consent changes nothing', async () => {
    onTestFailed(() => world.tell());
    const body = eventText('authorization.removed', { reason: 1 }, { create_time: now() - 600 });
    expect((await deliver(body)).status).toBe(200);
    await untilApplied(account.openId);
    expect((await accountOf(account.id)).status).toBe('active');
    expect(await auditRows('account.reauth_required', account.id)).toEqual([]);
    await world.untilPost(await publish(), 'published');
  });

  test('affects every tenant who has connected the creator', async () => {
    onTestFailed(() => world.tell());
    const other = await world.newUser();
    const theirs = await world.connect(creator, other.key);
    await world.control('POST', '/tiktok/revoke', { openId: account.openId, reason: 3 });
    await until('both to be out of service', async () => {
      const { body } = await world.call('GET', `/api/accounts/${theirs}`, { key: other.key });
      return body.status === 'reauth_required' && (await accountOf(account.id)).status === body.status
        ? true
        : null;
    });
    expect((await accountOf(account.id)).statusReason).toBe('age_changed');
  });
});
