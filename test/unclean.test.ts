import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { createVisitor } from '../stack/visitor.ts';
import { createWorld, until, type Answer, type Json, type World } from './world.ts';

/*
 * Text that PostgreSQL and JSON reject still comes in: from providers, who would repeat such events for days, and with
 * a creator's browser, whose code would be wasted. It is cleaned, stored and shown.
 */

const secret = randomBytes(24).toString('hex');
const NUL = '\\u0000';
const HIGH = '\\ud83d';
const LOW = '\\ude00';
/** Each as a JSON escape, which JSON.parse accepts. */
const UNCLEAN = [NUL, HIGH, LOW, `${LOW}${HIGH}`];

let world: World;
let creator: string;
let account: Json;
let instagram: Json;
beforeAll(async () => {
  world = await createWorld({ clientSecret: secret });
  const { answer } = await world.visitConsent({}, world.user.key, 'instagram');
  instagram = (await world.call('GET', `/api/accounts/${answer.body.accounts[0].id}`)).body;
});
afterAll(() => world?.close());
beforeEach(async () => {
  onTestFailed(() => world.tell());
  creator = `creator_${randomUUID().slice(0, 8)}`;
  account = (await world.call('GET', `/api/accounts/${await world.connect(creator)}`)).body;
});

const sign = (key: string, text: string): string => createHmac('sha256', key).update(text).digest('hex');

/** Delivers a signed body, byte for byte. */
function deliver(provider: 'tiktok' | 'instagram' | 'threads', body: string): Promise<Answer> {
  const t = Math.floor(Date.now() / 1000);
  const headers: Record<string, string> =
    provider === 'tiktok'
      ? { 'tiktok-signature': `t=${t},s=${sign(secret, `${t}.${body}`)}` }
      : { 'x-hub-signature-256': `sha256=${sign(world.secrets[`${provider}Secret`], body)}` };
  return world.call('POST', `/api/webhooks/${provider}`, { key: null, body, headers });
}

/** Invalid UTF-8, as bytes. */
const BROKEN: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['half of a surrogate pair', Buffer.from([0xed, 0xa0, 0x80])],
  ['a surrogate pair as CESU-8', Buffer.from([0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80])],
  ['a letter of Latin 1', Buffer.from([0xe9])],
  ['half of a letter', Buffer.from([0xf0, 0x9f, 0x98])],
  ['an overlong NUL', Buffer.from([0xc0, 0x80])],
  ['the byte FF', Buffer.from([0xff])],
];

/** Delivers a body with these bytes in place of its `?`, signed as sent. */
async function deliverBytes(
  provider: 'tiktok' | 'instagram' | 'threads',
  text: string,
  bytes: Buffer,
): Promise<Answer> {
  const [before = '', after = ''] = text.split('?');
  const body = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
  const t = Math.floor(Date.now() / 1000);
  const hmac = (key: string, start = ''): string =>
    createHmac('sha256', key).update(start).update(body).digest('hex');
  const headers: Record<string, string> =
    provider === 'tiktok'
      ? { 'tiktok-signature': `t=${t},s=${hmac(secret, `${t}.`)}` }
      : { 'x-hub-signature-256': `sha256=${hmac(world.secrets[`${provider}Secret`])}` };
  const response = await fetch(`${world.url}/api/webhooks/${provider}`, { method: 'POST', headers, body });
  const answer = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text: answer,
    body: JSON.parse(answer),
  };
}

/** The event as the operator sees it, once it is applied. */
async function applied(mark: string): Promise<Json> {
  return until(`the event with ${mark} to be applied`, async () => {
    const { text } = await world.call('GET', '/api/debug/events?limit=200', { key: world.secrets.adminKey });
    const { data }: Json = JSON.parse(text);
    const event = data.find((row: Json) => JSON.stringify(row).includes(mark));
    return event?.processedAt == null ? null : event;
  });
}

const tiktok = (parts: Record<string, string>): string => {
  const fields = {
    client_key: `"${world.app.clientKey}"`,
    event: '"something.new"',
    create_time: '1700000000',
    user_openid: `"${account.openId}"`,
    content: '"{}"',
    ...parts,
  };
  return `{${Object.entries(fields)
    .map(([name, json]) => `"${name}":${json}`)
    .join(',')}}`;
};
const comment = (field: string, value: string, entryId = instagram.openId, more = ''): string =>
  `{"object":"instagram","entry":[{"id":"${entryId}","time":1700000000,"changes":[{"field":"${field}","value":${value}}]}]${more}}`;

describe.each(BROKEN)('an event whose bytes contain %s', (_what, bytes) => {
  test.for<[provider: 'tiktok' | 'instagram' | 'threads', text: (mark: string) => string]>([
    ['tiktok', (mark) => tiktok({ note: `"${mark} ? good"` })],
    ['instagram', (mark) => comment('comments', `{"id":"${mark}","text":"so ? good","media":{"id":"17"}}`)],
    [
      'threads',
      (mark) =>
        `{"app_id":"1","topic":"moderate","target_id":"1","values":{"field":"replies","value":{"id":"${mark}","text":"?"}}}`,
    ],
  ])('of %s is stored, applied and shown', async ([provider, text]) => {
    const mark = randomUUID();
    expect(await deliverBytes(provider, text(mark), bytes)).toMatchObject({
      status: 200,
      body: { received: 1 },
    });
    expect(JSON.stringify(await applied(mark))).toContain('\ufffd');
  });

  test('between its parts is invalid JSON, and is refused', async () => {
    const answer = await deliverBytes('tiktok', '{"event":?}', bytes);
    expect([answer.status, answer.body.error.code]).toEqual([400, 'malformed_json']);
  });
});

describe.each(UNCLEAN)('an event with %s', (unclean) => {
  test.for<[where: string, body: (mark: string) => string]>([
    ['event', (mark) => tiktok({ event: `"${mark}${unclean}"` })],
    ['user_openid', (mark) => tiktok({ user_openid: `"${mark}${unclean}"` })],
    ['a field', (mark) => tiktok({ note: `"${mark}${unclean}"` })],
    ['a key', (mark) => tiktok({ [`${mark}${unclean}`]: '1' })],
    ['something nested', (mark) => tiktok({ note: `[{"${unclean}":["${mark}${unclean}"]}]` })],
  ])('in %s of TikTok is stored, applied and shown', async ([, body]) => {
    const mark = randomUUID();
    const text = body(mark);
    expect(await deliver('tiktok', text)).toMatchObject({ status: 200, body: { received: 1 } });
    expect(await deliver('tiktok', text)).toMatchObject({ status: 200 });
    expect(JSON.stringify(await applied(mark))).toContain('\ufffd');
  });

  test.for<[where: string, body: (mark: string) => string]>([
    ['field', (mark) => comment(`${mark}${unclean}`, '{}')],
    ['the entry’s id', (mark) => comment('comments', '{"id":"1"}', `${mark}${unclean}`)],
    ['a comment’s id', (mark) => comment('comments', `{"id":"${mark}${unclean}","media":{"id":"1"}}`)],
    ['a media’s id', (mark) => comment('comments', `{"id":"${mark}","media":{"id":"${unclean}"}}`)],
    ['a key', (mark) => comment('comments', `{"id":"${mark}","${unclean}":{"${unclean}":[]}}`)],
    [
      'what stands around',
      (mark) => comment('mentions', `{"media_id":"${mark}"}`, undefined, `,"note":"${mark}${unclean}"`),
    ],
  ])('in %s of Instagram is stored, applied and shown', async ([, body]) => {
    const mark = randomUUID();
    expect(await deliver('instagram', body(mark))).toMatchObject({ status: 200, body: { received: 1 } });
    expect(JSON.stringify(await applied(mark))).toContain('\ufffd');
  });

  test('in the text of a comment and in its author’s name is copied without it', async () => {
    const mark = randomUUID();
    const value = `{"id":"${mark}","text":"so ${unclean} good","from":{"username":"fan${unclean}"},"media":{"id":"17"}}`;
    expect((await deliver('instagram', comment('comments', value))).status).toBe(200);
    await applied(mark);
    const rows = await world.database.db.execute(
      `select text, from_user from ig_comments where ig_id = '${mark}'`,
    );
    expect(rows).toEqual([
      { text: expect.stringMatching(/^so \ufffd+ good$/), from_user: expect.stringMatching(/^fan\ufffd+$/) },
    ]);
  });

  test('in TikTok’s JSON within a string is stored, applied and shown', async () => {
    const mark = randomUUID();
    const content = JSON.stringify(`{"publish_id":"${mark}${unclean}","${unclean}":1}`);
    const body = tiktok({ event: '"post.publish.unheard_of"', content });
    expect((await deliver('tiktok', body)).status).toBe(200);
    expect(await applied(mark)).toMatchObject({
      errorMessage: null,
      payload: { event: 'post.publish.unheard_of' },
    });
  });

  test('of Threads is stored, applied and shown', async () => {
    const mark = randomUUID();
    const body = `{"app_id":"1","topic":"moderate","target_id":"1","values":{"field":"replies","value":{"id":"${mark}${unclean}","text":"${unclean}"}}}`;
    expect(await deliver('threads', body)).toMatchObject({ status: 200, body: { received: 1 } });
    expect(JSON.stringify(await applied(mark))).toContain('\ufffd');
  });

  test('in a creator’s name and in the dialog’s words connects all the same', async () => {
    const username = `creator_${randomUUID().slice(0, 8)}`;
    const displayName: unknown = JSON.parse(`"Ann ${unclean}"`);
    await world.control('POST', '/tiktok/creators', { username, displayName });
    const { answer } = await world.visitConsent({ creator: username });
    expect(answer.status).toBe(200);
    const { body } = await world.call('GET', `/api/accounts/${answer.body.accounts[0].id}`);
    expect(body).toMatchObject({ username, displayName: expect.stringMatching(/^Ann \ufffd+$/) });
  });

  test('in a refusal leaves it a refusal', async () => {
    const body = `{"data":{},"error":{"code":"something_${unclean}","message":"no ${unclean}","log_id":"${unclean}"}}`;
    await world.fault({ endpoint: 'video.init', kind: 'status', http: 400, body });
    const id = await publish();
    expect((await world.untilPost(id, 'failed')).error).toMatchObject({
      code: 'provider_refused',
      details: {
        providerCode: expect.stringMatching(/^something_\ufffd+$/),
        providerMessage: expect.any(String),
      },
    });
  });

  test('as the reason of a failure ends the post as failed', async () => {
    await world.control('POST', '/tiktok/fail-next', { reason: JSON.parse(`"odd${unclean}"`) });
    expect((await world.untilPost(await publish(), 'failed')).error).toMatchObject({
      code: 'provider_failed',
      details: { providerCode: expect.stringMatching(/^odd\ufffd+$/) },
    });
  });
});

async function publish(): Promise<string> {
  const mediaId = await world.upload();
  const { status, body, text } = await world.publish({
    accountId: account.id,
    mediaId,
    allowDuplicate: true,
  });
  if (status !== 202) throw new Error(`not accepted: ${text}`);
  return body.id;
}

const nested = (depth: number): string => `${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`;

describe('an event that is hard to parse', () => {
  test.for<[what: string, json: string]>([
    ['numbers beyond all doubles', '[1e400,-1e400,1e-400,-0,1.0]'],
    ['integers of a hundred digits', '1'.repeat(100)],
    ['keys that stand there twice', '{"a":1,"a":2}'],
    ['keys with a meaning of their own', '{"__proto__":{"b":1},"constructor":2,"toString":null}'],
    ['forty thousand levels', nested(20_000)],
    ['an escaped backslash before u0000', '"\\\\u0000"'],
  ])('for its %s is stored and shown', async ([, json]) => {
    const marks = [randomUUID(), randomUUID(), randomUUID()] as const;
    const bodies = [
      tiktok({ mark: `"${marks[0]}"`, more: json }),
      comment('comments', `{"id":"${marks[1]}","more":${json}}`),
      `{"topic":"x","mark":"${marks[2]}","values":[{"field":"unheard_of","value":{"more":${json}}}]}`,
    ];
    for (const [index, provider] of (['tiktok', 'instagram', 'threads'] as const).entries())
      expect(await deliver(provider, bodies[index] ?? '')).toMatchObject({ status: 200 });
    for (const mark of marks) await applied(mark);
  });

  test('keeps every digit', async () => {
    const mark = randomUUID();
    await deliver('tiktok', tiktok({ mark: `"${mark}"`, more: `[1e400,1.0,${'9'.repeat(40)},"${NUL}"]` }));
    await applied(mark);
    const { text } = await world.call('GET', '/api/debug/events?limit=200', { key: world.secrets.adminKey });
    expect(text).toContain(`"mark":"${mark}","more":[1e400,1.0,${'9'.repeat(40)},"\ufffd"]`);
  });

  test('for ids too long for an index is stored and shown', async () => {
    const mark = randomUUID();
    const long = mark + 'x'.repeat(5000);
    for (const [provider, body] of [
      ['tiktok', tiktok({ event: `"${long}"`, user_openid: `"${long}"`, mark: `"${mark}1"` })],
      ['instagram', comment('comments', `{"id":"${long}","mark":"${mark}2","media":{"id":"1"}}`, long)],
      ['instagram', comment(long, `{"mark":"${mark}3"}`, long)],
      ['threads', `{"target_id":"${long}","values":{"field":"${long}","value":{"id":"${mark}4"}}}`],
    ] as const)
      expect(await deliver(provider, body)).toMatchObject({ status: 200 });
    for (const which of [1, 2, 3, 4]) await applied(`${mark}${which}`);
  });
});

describe('a returning browser', () => {
  test.each(['error=%00x', 'error=access_denied&error_description=a%00b', 'code=a%00b', 'new=%00'])(
    'with %s gets a reason',
    async (query) => {
      const { body } = await world.call('POST', '/api/connect-links', { body: { provider: 'tiktok' } });
      const visitor = createVisitor();
      const state =
        new URL((await visitor.openLink(body.url)).location ?? '').searchParams.get('state') ?? '';
      const callback = `${world.url}/api/auth/tiktok/callback?state=${state}&${query}`;
      const { text } = await visitor.get(callback, { accept: 'application/json' });
      expect(JSON.parse(text).error.code).toMatch(/^(provider_error|access_denied)$/);
    },
  );
});

test('a client that sends such a text learns the field', async () => {
  const body = `{"accountId":"${account.id}","mediaType":"TEXT","postInfo":{"text":"a ${NUL}","alt_text":"${HIGH}"}}`;
  const answer = await world.call('POST', '/api/threads/publish', { body });
  expect([answer.status, answer.body.error.details.fields]).toEqual([
    400,
    ['postInfo.text', 'postInfo.alt_text'].map((field) => ({
      field,
      message: 'must be well-formed Unicode without NUL characters',
    })),
  ]);
});
