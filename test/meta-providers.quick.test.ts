import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendsFile } from '../plan.ts';
import { INSTAGRAM } from '../providers/instagram/client.ts';
import { createInstagram } from '../providers/instagram/index.ts';
import { createTransfer, uploadUri } from '../providers/instagram/upload.ts';
import { awaitContainers, type PostContainers, publishContainer } from '../providers/meta/containers.ts';
import { lookUpPublish } from '../providers/meta/lost-publish.ts';
import { metaWebhooks } from '../providers/meta/webhooks.ts';
import { createThreads } from '../providers/threads/index.ts';
import type { Provider, Teller } from '../providers/provider.ts';
import type { Lost, PostContext } from '../providers/publishing.ts';
import type { Webhooks } from '../providers/webhooks.ts';
import { startSandbox } from '../sandbox/server.ts';
import { createControl, visit } from '../sandbox/testing/client.ts';
import { jpeg, mp4 } from '../sandbox/testing/media.ts';

/* Instagram and Threads as providers, over HTTP against the sandbox: every kind of post, step by step by its plan. */

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let control: ReturnType<typeof createControl>;
let instagrams: Teller[];
let threads: Teller;
let host: Server;
let base: string;
const files = new Map<string, Buffer>();

const redirect = (name: string): string => `http://127.0.0.1:9/api/auth/${name}/callback`;

beforeAll(async () => {
  sandbox = await startSandbox({
    tiktok: { clientKey: 'k', clientSecret: 's', redirectUris: [] },
    instagram: {
      appId: '111',
      appSecret: 'ig-secret',
      loginAppId: '333',
      loginAppSecret: 'login-secret',
      redirectUris: [redirect('instagram')],
    },
    threads: { appId: '222', appSecret: 'th-secret', redirectUris: [redirect('threads')] },
  });
  control = createControl(sandbox.url);
  const common = { webhookSecrets: ['x'], appSecrets: ['x'], verifyToken: 'v' };
  instagrams = createInstagram({
    ...common,
    facebookLogin: {
      appId: '111',
      appSecret: 'ig-secret',
      redirectUri: redirect('instagram'),
      dialogUrl: `${sandbox.url}/facebook`,
      graphUrl: `${sandbox.url}/graph`,
      uploadUrl: `${sandbox.url}/rupload`,
    },
    instagramLogin: {
      appId: '333',
      appSecret: 'login-secret',
      redirectUri: redirect('instagram'),
      authUrl: `${sandbox.url}/instagram-login`,
      apiUrl: `${sandbox.url}/instagram-api`,
      graphUrl: `${sandbox.url}/graph-instagram`,
    },
  });
  threads = createThreads({
    ...common,
    appId: '222',
    appSecret: 'th-secret',
    redirectUri: redirect('threads'),
    authUrl: `${sandbox.url}/threads-auth`,
    graphUrl: `${sandbox.url}/threads`,
  });
  host = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', base);
    const bytes = files.get(pathname);
    response.statusCode = bytes === undefined ? 404 : 200;
    response.setHeader('content-type', pathname.endsWith('jpg') ? 'image/jpeg' : 'video/mp4');
    response.end(bytes);
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  const address = host.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(async () => {
  await sandbox?.close();
  host?.close();
});

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

async function connect(provider: Provider) {
  await control('POST', '/consent', { decision: 'approve', provider: provider.name });
  const callback = await visit(provider.oauth.authorizeUrl({ state: 's', codeVerifier: 'v'.repeat(43) }));
  const code = callback.searchParams.get('code') ?? '';
  return provider.oauth.exchangeCode(code, 'v'.repeat(43), soon());
}

/** Everything that was published, by all tests. */
const live: string[] = [];

/** Performs a plan like the workflow. @returns the results of its steps, and the last verdict */
async function perform(provider: Provider, request: object, changes: Partial<PostContext> = {}) {
  const lost: Lost = { code: null, at: new Date(), others: [...live], rivals: [] };
  const { grants } = await connect(provider);
  const [grant] = grants;
  if (grant === undefined) throw new Error('nothing was granted');
  const publishing = provider.publishing.of(request);
  const { plan } = publishing;
  const made: Record<string, string> = {};
  let publishId: string | null = null;
  let secret = '';
  const context = (): PostContext => ({
    openId: grant.openId,
    username: grant.username,
    scopes: grant.tokens.scopes,
    accessToken: grant.tokens.accessToken,
    media: null,
    files: {},
    mediaUrl: (id) => base + id,
    publishId,
    made,
    parts: {},
    sendsFile: sendsFile(plan),
    signal: soon(),
    ...changes,
  });
  for (const step of plan) {
    if (step.kind === 'write') {
      await publishing.preflight(step.name, context());
      const written = await publishing.write(step.name, context());
      made[step.name] = written.publishId ?? written.partId ?? written.providerPostId ?? '';
      publishId = written.publishId ?? publishId;
      if (written.providerPostId !== undefined) live.push(written.providerPostId);
      secret = written.secret ?? secret;
    } else if (step.kind === 'transfer') {
      const bytes = files.get('/video.mp4') ?? Buffer.alloc(0);
      const file = { size: bytes.length, contentType: 'video/mp4', durationMs: null, secret };
      const part = { first: 0, last: bytes.length - 1, body: Readable.from([bytes]) };
      const sent = await provider.publishing.transfer?.sendChunk(context(), file, part);
      if (sent?.kind !== 'complete') throw new Error(`the file was not taken: ${sent?.kind}`);
    } else {
      for (let tries = 0; tries < 100; tries += 1) {
        const verdict = await publishing.verdict(step.name, context());
        if (verdict.kind === 'published') return { publishing, made, verdict, lost, context: context() };
        if (verdict.kind === 'ready') break;
        if (verdict.kind !== 'pending') throw new Error(`not pending but ${verdict.kind}`);
        await sleep(100);
      }
    }
  }
  throw new Error('the plan ended without a verdict');
}

/** The id under which a publish is found whose answer was lost. */
async function findLost(
  { publishing, made, lost, context }: Awaited<ReturnType<typeof perform>>,
  step = 'publish',
): Promise<string | undefined> {
  const left = Object.fromEntries(Object.entries(made).filter(([name]) => name !== step));
  const found = await publishing.lookUp?.(step, { ...context, made: left, signal: soon() }, lost);
  if (found?.kind !== 'happened') throw new Error(`what was published is ${found?.kind}`);
  return found.written.providerPostId;
}

const text = (words: string): object => ({ mediaType: 'TEXT', media: [], postInfo: { text: words } });
const chain = { ...text('one'), replies: [text('two'), text('two')] };

describe('threads', () => {
  test('connects with a long-lived token that renews itself', async () => {
    const { scopes, grants } = await connect(threads);
    expect(scopes).toEqual(expect.arrayContaining([...threads.permissions.asked]));
    expect(grants).toMatchObject([{ username: 'sandbox_creator' }]);
  });

  test.each([
    ['text', { mediaType: 'TEXT', media: [], postInfo: { text: 'hello' } }],
    [
      'image',
      { mediaType: 'IMAGE', media: [{ kind: 'image', mediaId: '/image.jpg' }], postInfo: { text: 'i' } },
    ],
    [
      'video',
      { mediaType: 'VIDEO', media: [{ kind: 'video', mediaId: '/video.mp4' }], postInfo: { text: 'v' } },
    ],
    [
      'carousel',
      {
        mediaType: 'CAROUSEL',
        media: [
          { kind: 'image', mediaId: '/image.jpg', alt_text: 'one' },
          { kind: 'video', mediaId: '/video.mp4' },
        ],
        postInfo: { text: 'two' },
      },
    ],
    [
      'image without text',
      { mediaType: 'IMAGE', media: [{ kind: 'image', mediaId: '/image.jpg' }], postInfo: {} },
    ],
  ])('publishes %s, and finds it if the answer is lost', async (_kind, request) => {
    files.set('/image.jpg', jpeg());
    files.set('/video.mp4', mp4());
    const done = await perform(threads, request);
    expect(done.verdict.permalink).toMatch(/^https:\/\//);
    // A post without a text.
    const repost = await fetch(`${sandbox.url}/threads/v1.0/${done.made['publish']}/repost`, {
      method: 'POST',
      headers: { authorization: `Bearer ${done.context.accessToken}` },
    });
    expect(repost.status).toBe(200);
    expect(await findLost(done)).toBe(done.made['publish']);
  });

  test('publishes a chain, each part after its parent', async () => {
    const { made, verdict } = await perform(threads, chain);
    expect(verdict.providerPostId).toBe(made['publish']);
    expect(Object.keys(made)).toEqual([
      'container',
      'reply:1/proof',
      'reply:2/proof',
      'publish',
      ...['reply:1/', 'reply:2/'].flatMap((part) => [`${part}container`, `${part}publish`]),
    ]);
  });

  test('counts the first post of a chain as a post, and the others as replies', () => {
    const { plan, quotasOf } = threads.publishing.of(chain);
    const taken = plan.flatMap(({ name }) => quotasOf(name));
    expect(taken.map(({ bucket }) => bucket)).toEqual(['publish', 'reply', 'reply']);
  });

  test('needs the permission to reply for a chain', () => {
    expect(threads.publishing.of(chain).needs.scopes).toContain('threads_manage_replies');
    expect(threads.publishing.of(text('alone')).needs.scopes).not.toContain('threads_manage_replies');
  });

  test('is live without an id if posts cannot be listed for an hour', async () => {
    const done = await perform(threads, text('not listed'));
    await control('POST', '/faults', { endpoint: 'threads.posts', kind: 'status', http: 500, times: 2 });
    await expect(findLost(done)).rejects.toMatchObject({ kind: 'unavailable' });
    const at = new Date(Date.now() - 61 * 60_000);
    expect(await findLost({ ...done, lost: { ...done.lost, at } })).toBeUndefined();
  });

  test('finds a lost reply among others with the same text', async () => {
    const done = await perform(threads, chain);
    expect(await findLost(done, 'reply:1/publish')).toBe(done.made['reply:1/publish']);
  });
});

const instagramHooks = (): Webhooks => {
  const [first] = instagrams;
  if (first === undefined) throw new Error('no instagram');
  return first.webhooks;
};
const bytes = (body: object): Buffer => Buffer.from(JSON.stringify(body));

const inEntry = (more: object): object => ({
  object: 'instagram',
  entry: [{ id: '1', time: 2, ...more }],
});

/** Containers whose answers are among `files`. */
const CONTAINERS: PostContainers = {
  platform: INSTAGRAM,
  call: ({ accessToken, signal }) => ({ base, accessToken, signal }),
  account: () => '/me',
  edges: { create: 'media', publish: 'media_publish' },
  statusFields: 'id,status_code,status',
  textField: 'caption',
  ownFiles: false,
};
const asked = (): PostContext => ({
  openId: '1',
  username: null,
  scopes: [],
  accessToken: 't',
  media: { size: 100, contentType: 'video/mp4', durationMs: null },
  files: {},
  mediaUrl: (id) => base + id,
  publishId: '7',
  made: { container: '7' },
  parts: {},
  sendsFile: false,
  signal: soon(),
});

const lookUp = (lost: Partial<Lost>) =>
  lookUpPublish(CONTAINERS, asked(), '7', {
    code: 'outcome_unknown',
    at: new Date(),
    others: [],
    rivals: [],
    again: ['container'],
    list: 'media',
    caption: 'mine',
    kind: {},
    ...lost,
  });

const listed = (id: string) => ({ id, caption: 'mine' });

/** A file of a hundred bytes on its way. */
const hundred = (secret: string) => ({
  size: 100,
  contentType: 'video/mp4',
  durationMs: null,
  secret,
});
const received = (status: object) => {
  files.set('/7', bytes({ id: '7', ...status }));
  return createTransfer(CONTAINERS).received(asked(), hundred('unused'));
};

const payloads = ({ webhooks }: { webhooks: Webhooks }, body: string): string[] =>
  webhooks.split(Buffer.from(body)).map(({ payload }) => payload);

const externalIds = (webhooks: Webhooks, ...bodies: object[]): string[] =>
  bodies.flatMap((body) => webhooks.split(bytes(body)).map(({ externalId }) => externalId));

const keys = (...messaging: object[]): string[] =>
  instagramHooks()
    .split(bytes(inEntry({ messaging })))
    .map(({ externalId }) => externalId);

const messageOf = (more: object) => ({ timestamp: 1, message: { mid: 'm', ...more } });

const linked = (at: string) => ({ attachments: [{ payload: { url: at } }] });

describe('a container that ended in ERROR', () => {
  test.each([
    ['Error: Media upload has failed with error code 2207026', 'failed', 'video_format'],
    ['Error: Media upload has failed with error code 2207057', 'failed', 'thumb_offset_out_of_range'],
    ['Error: we restrict certain activity, error code 2207051', 'failed', 'action_blocked'],
    ['Error: Media download has failed, error code 2207052', 'failed', 'media_not_fetched'],
    ['Error: Media download has failed', 'failed', 'media_refused'],
    ['Error: timeout of the download, error code 2207003', 'gone', 'media_refused'],
    ['Error: Media upload has failed with error code 2207082', 'gone', 'media_refused'],
    ['Error: error code 2207999', 'gone', 'media_refused'],
  ])('(%s) is %s, %s', async (status, kind, code) => {
    files.set('/7', bytes({ id: '7', status_code: 'ERROR', status }));
    const verdict = await awaitContainers(CONTAINERS, asked(), ['container']);
    expect(verdict).toMatchObject({ kind, error: { code, providerMessage: status } });
  });
});

describe('a container', () => {
  const REFUSED = { error: { code: 368, type: 'OAuthException', message: 'blocked' } };
  const NO_FIELD = { error: { code: 100, type: 'THApiException', message: 'nonexisting field (status)' } };

  test('has failed if its state is permanently refused', async () => {
    files.set('/7', bytes(NO_FIELD));
    const verdict = await awaitContainers(CONTAINERS, asked(), ['container']);
    expect(verdict).toMatchObject({
      kind: 'failed',
      error: { code: 'invalid_request', providerCode: '100' },
    });
  });

  test.each([
    ['cannot be read either', REFUSED, 'rejected'],
    ['is FINISHED', { id: '7', status_code: 'FINISHED' }, 'rejected'],
    ['is PUBLISHED', { id: '7', status_code: 'PUBLISHED' }, 'unknown'],
    ['is not told at the moment', null, 'unknown'],
  ])('whose publish is refused and which %s (%j): %s', async (_what, container, kind) => {
    files.set('/me/media_publish', bytes(REFUSED));
    if (container === null) files.delete('/7');
    else files.set('/7', bytes(container));
    const publish = publishContainer(CONTAINERS, asked(), '7', []);
    await expect(publish).rejects.toMatchObject({ kind, code: 'action_blocked', providerCode: '368' });
  });

  test.each([
    ['368', 'refused'],
    ['4/2207051', 'refused'],
    ['25/2207050', 'refused'],
    ['outcome_unknown', 'nothing'],
    ['-1/2207001', 'nothing'],
  ])('that was not published after %s: %s', async (code, kind) => {
    files.set('/7', bytes({ id: '7', status_code: 'FINISHED' }));
    expect(await lookUp({ code })).toMatchObject({ kind });
    files.set('/7', bytes({ id: '7', status_code: 'EXPIRED' }));
    expect(await lookUp({ code })).toMatchObject({ kind });
  });

  test('that was published is looked for again until a list has it, but not for long', async () => {
    files.set('/7', bytes({ id: '7', status_code: 'PUBLISHED' }));
    files.set('/me/media', bytes({ data: [] }));
    expect(await lookUp({})).toEqual({ kind: 'open' });
    const nameless = { kind: 'happened', written: { logId: null } };
    expect(await lookUp({ at: new Date(Date.now() - 60_000) })).toEqual(nameless);
    files.set('/me/media', bytes({ data: [listed('8'), listed('9')] }));
    expect(await lookUp({})).toEqual(nameless);
    expect(await lookUp({ others: ['8'] })).toMatchObject({ written: { providerPostId: '9' } });
  });
});

describe('an upload', () => {
  test.each([
    ['https://rupload.example/ig-api-upload/v27.0/7', 'http://127.0.0.1:9/ig-api-upload/v27.0/7'],
    [null, 'http://127.0.0.1:9/ig-api-upload/v27.0/7'],
    ['http://127.0.0.1:9/another/7?x=1', 'http://127.0.0.1:9/another/7?x=1'],
  ])('to %s goes to %s: the host of the settings', (uri, expected) => {
    expect(uploadUri('http://127.0.0.1:9', { id: '7', uploadUri: uri })).toBe(expected);
  });

  test.each([
    [{ video_status: { uploading_phase: { status: 'complete' } } }, 100],
    [{ video_status: { uploading_phase: 'finished' } }, 100],
    [{ video_status: { processing_phase: { status: 'in_progress' } } }, 100],
    [{ status_code: 'FINISHED' }, 100],
    [{ video_status: { uploading_phase: { status: 'in_progress' } } }, 0],
    [{ video_status: { processing_phase: { status: 'not_started' } } }, 0],
    [{ status_code: 'IN_PROGRESS' }, 0],
  ])('is reported by %j as %d bytes', async (status, expected) => {
    expect(await received(status)).toEqual({ bytes: expected });
  });

  test.each([
    ['IN_PROGRESS', { kind: 'unavailable', tries: 12 }],
    ['ERROR', { kind: 'complete' }],
    ['FINISHED', { kind: 'complete' }],
  ])('that is refused, whose container is %s', async (status_code, expected) => {
    files.set('/7', bytes({ id: '7', status_code }));
    files.set('/up', bytes({ success: false }));
    const part = { first: 0, last: 99, body: Readable.from([Buffer.alloc(100)]) };
    const sent = await createTransfer(CONTAINERS)
      .sendChunk(asked(), hundred(`${base}/up`), part)
      .then(
        (answer): unknown => answer,
        (error: unknown) => error,
      );
    expect(sent).toMatchObject(expected);
  });
});

/** Meta's callback about a removed permission of user 7. */
function signedRequest(secret: string, issued: Date, change: Record<string, unknown> = {}): string {
  const said = {
    algorithm: 'HMAC-SHA256',
    issued_at: Math.floor(issued.getTime() / 1000),
    user_id: '7',
    ...change,
  };
  const payload = Buffer.from(JSON.stringify(said)).toString('base64url');
  return `${createHmac('sha256', secret).update(payload).digest('base64url')}.${payload}`;
}

describe('a webhook', () => {
  test('repeated with its keys in another order is the same one', () => {
    const changes = [
      { field: 'messages', value: { a: 1, b: [{ c: 2, d: 3 }] } },
      { value: { b: [{ d: 3, c: 2 }], a: 1 }, field: 'messages' },
    ];
    const [first, second] = changes.map((change) =>
      instagramHooks()
        .split(bytes(inEntry({ changes: [change] })))
        .map(({ externalId }) => externalId),
    );
    expect(first).toHaveLength(1);
    expect(second).toEqual(first);
  });

  test('is signed with its own secret if there is one; the app’s secret may always sign a callback', () => {
    const own = metaWebhooks({ webhookSecrets: ['hooks'], appSecrets: ['app'], verifyToken: 'v' }, () => []);
    const now = new Date();
    const users = ['app', 'hooks', 'other'].map(
      (secret) => own.signedUser?.(signedRequest(secret, now), now)?.user,
    );
    expect(users).toEqual(['7', '7', undefined]);
  });

  test.each([
    ['another algorithm', { algorithm: 'HMAC-SHA1' }],
    ['none', { algorithm: 'none' }],
    ['no algorithm', { algorithm: undefined }],
    ['no time', { issued_at: undefined }],
    ['a text as its time', { issued_at: 'now' }],
    ['a time of four days ago', { issued_at: Math.floor(Date.now() / 1000) - 4 * 86_400 }],
    ['a time to come', { issued_at: Math.floor(Date.now() / 1000) + 3600 }],
    ['an absurd time', { issued_at: 1e300 }],
  ])('about a removed permission with %s is ignored, although it is signed', (_what, change) => {
    const own = metaWebhooks({ webhookSecrets: [], appSecrets: ['app'], verifyToken: 'v' }, () => []);
    const now = new Date();
    expect(own.signedUser?.(signedRequest('app', now, change), now)).toBeNull();
  });

  test('about a removed permission delivered again after 36 hours still counts, with its own time', () => {
    const own = metaWebhooks({ webhookSecrets: [], appSecrets: ['app'], verifyToken: 'v' }, () => []);
    const issued = new Date('2026-11-28T10:00:00Z');
    const now = new Date('2026-11-29T22:00:00Z');
    expect(own.signedUser?.(signedRequest('app', issued), now)).toEqual({ user: '7', at: issued });
  });

  test('of Instagram is stored unchanged, every digit, with its entry’s fields and without the other changes', () => {
    const big = '17841400000000000123';
    const change = `"field":"comments","value":{"id":"5","media":{"id":${big}},"rate":1.50,"e":1e2},"new":{"a":[-0]}`;
    const around = `"object":"instagram","also":1.0,"time":1520622968,"x":2.50`;
    const others = `{"field":"mentions","value":{}}],"messaging":[{"mid":9.90}],"standby":[{"mid":8.80}]`;
    const body = `{"object":"instagram","also":1.0,"entry":[{"id":${big},"time":1520622968,"x":2.50,"changes":[{${change}},${others}}]}`;
    expect(payloads({ webhooks: instagramHooks() }, body)).toEqual([
      `{${around},"entryId":${big},${change}}`,
      `{${around},"entryId":${big},"field":"mentions","value":{}}`,
      `{${around},"entryId":${big},"field":"messages","value":{"mid":9.90}}`,
      `{${around},"entryId":${big},"field":"standby","value":{"mid":8.80}}`,
    ]);
    const [comment] = instagramHooks().split(Buffer.from(body));
    expect(comment).toMatchObject({ externalId: `${big}:comment:5`, providerAccountId: big });
  });

  test('of Threads is stored unchanged, every digit, with the fields around its values', () => {
    const around = `"app_id":"1","topic":"moderate","target_id":78901000000000000001,"time":1723226877,"subscription_id":"2","has_uid_field":false,"new":1.50`;
    const changes = [
      `"value":{"id":"8","score":1.50,"big":12345678901234567890},"field":"replies","beside":[1e2]`,
      `"value":{"id":"9"},"field":"delete"`,
    ];
    const body = `{${around},"values":[{${changes[0]}},{${changes[1]}}]}`;
    expect(payloads(threads, body)).toEqual(changes.map((change) => `{${around},${change}}`));
  });

  test('stored without the fields around it is still understood', () => {
    const value = { id: '5', media: { id: '6' }, text: 'hi' };
    const old = JSON.stringify({ entryId: '1', field: 'comments', value });
    expect(instagramHooks().effect('comments', old)).toMatchObject({
      kind: 'hint',
      openId: '1',
      subject: '6',
      item: { id: '5' },
    });
  });

  test('is identified by its value, whatever the fields around it', () => {
    const change = { field: 'x', value: { n: 1.5 } };
    const inBody = { topic: 't', target_id: '1', time: 2, values: change };
    // Fixed: a delivery may be repeated after an upgrade.
    const hashes = [
      'a226cc28415181fec5161ac2cf50c946d0546971fba9bbdd3e19d81797196ea6',
      '4582ef2ae79d1e2ba9aec976d5ce1fec11245002a8e55b55bca3877150195885',
    ];
    expect(
      externalIds(
        instagramHooks(),
        inEntry({ changes: [change] }),
        inEntry({ time: 3, more: 4, changes: [{ ...change, beside: 5 }] }),
      ),
    ).toEqual([`1:x:${hashes[0]}`, `1:x:${hashes[0]}`]);
    expect(externalIds(threads.webhooks, inBody, { ...inBody, time: 3, app_id: '4' })).toEqual([
      `x:${hashes[1]}`,
      `x:${hashes[1]}`,
    ]);
  });

  test('about a message is identified by its id and its action', () => {
    const reaction = { sender: { id: '9' }, timestamp: 3, reaction: { mid: 'm', action: 'react' } };
    expect(keys(messageOf(linked('a')), messageOf(linked('b')))).toEqual([
      '1:message:m:new',
      '1:message:m:new',
    ]);
    const others = [messageOf({ is_deleted: true }), messageOf({ is_echo: true }), reaction];
    const edits = [1, 2].map((num_edit) => ({ message_edit: { mid: 'm', num_edit } }));
    const all = keys(...others, ...edits, { postback: { mid: 'm' } }, { read: { mid: 'm' } });
    expect(new Set(all).size).toBe(7);
  });

  test('of an unknown shape is the same one when repeated at another time', () => {
    const [first, second] = [1, 2].map((time) =>
      instagramHooks()
        .split(bytes(inEntry({ time, odd: true })))
        .map(({ externalId }) => externalId),
    );
    expect(second).toEqual(first);
  });

  test('of Threads of an unknown type is identified by its whole content', () => {
    const ids = ['replies', 'new'].map((field) => {
      const values = [1, 2].map((n) => ({ field, value: { id: '7', n } }));
      const found = threads.webhooks.split(bytes({ topic: 't', values }));
      return new Set(found.map(({ externalId }) => externalId)).size;
    });
    expect(ids).toEqual([1, 2]);
  });

  test('of Threads is stored whatever it contains', () => {
    const body = { topic: 'moderate', target_id: '1', values: [] };
    for (const odd of [body, { ...body, values: 'x' }, { ...body, values: ['x'] }, {}, [{}]])
      expect(threads.webhooks.split(bytes(odd))).toHaveLength(1);
  });

  test('of Instagram is stored whatever it contains', () => {
    for (const odd of [{}, [{}], inEntry({}), inEntry({ changes: [] }), inEntry({ changed_fields: [] })])
      expect(instagramHooks().split(bytes(odd))).toHaveLength(1);
    const [first, second, ...others] = instagramHooks().split(
      bytes(inEntry({ changed_fields: ['comments', 'mentions'] })),
    );
    expect([first, second, others]).toMatchObject([
      { eventType: 'comments', providerAccountId: '1' },
      { eventType: 'mentions', providerAccountId: '1' },
      [],
    ]);
    if (first === undefined) throw new Error('no event');
    expect(instagramHooks().effect(first.eventType, first.payload)).toEqual({ kind: 'none' });
  });
});

describe.each([
  { method: 'facebook_login', login: { page: { id: expect.any(String) } } },
  { method: 'instagram_login', login: { id: expect.any(String) } },
])('instagram, $method', ({ method, login }) => {
  const instagram = (): Provider => {
    const found = instagrams.find((one) => one.method === method);
    if (found === undefined) throw new Error(`no ${method}`);
    return found;
  };

  test('loses no valid token, whatever error a renewal gets', async () => {
    const { grants } = await connect(instagram());
    const refusal = { kind: 'status', http: 400, code: '368' };
    for (const endpoint of ['instagram.token', 'instagram.login_refresh'])
      await control('POST', '/faults', { endpoint, ...refusal });
    expect(await instagram().oauth.refresh?.(grants[0]?.tokens.accessToken ?? '', soon())).toBeNull();
    await control('DELETE', '/faults');
  });

  test('connects a professional account', async () => {
    const { scopes, grants } = await connect(instagram());
    expect(scopes).toEqual(expect.arrayContaining([...instagram().permissions.asked]));
    expect(grants).toMatchObject([{ username: 'sandbox_creator', login }]);
  });

  test.each([
    [
      'an image',
      { mediaType: 'IMAGE', media: [{ kind: 'image', mediaId: '/image.jpg' }], postInfo: { caption: 'i' } },
    ],
    [
      'a reel',
      { mediaType: 'REELS', media: [{ kind: 'video', mediaId: '/video.mp4' }], postInfo: { caption: 'r' } },
    ],
    ['a story', { mediaType: 'STORIES', media: [{ kind: 'image', mediaId: '/image.jpg' }], postInfo: {} }],
    [
      'a carousel',
      {
        mediaType: 'CAROUSEL',
        media: [
          { kind: 'image', mediaId: '/image.jpg', alt_text: 'one' },
          { kind: 'video', mediaId: '/video.mp4' },
        ],
        postInfo: { caption: 'two' },
      },
    ],
  ])('publishes %s, and finds it if the answer is lost', async (_kind, request) => {
    files.set('/image.jpg', jpeg());
    files.set('/video.mp4', mp4());
    const media = { size: mp4().length, contentType: 'video/mp4', durationMs: 5000 };
    const done = await perform(instagram(), request, { media });
    expect(done.verdict.permalink).toMatch(/^https:\/\//);
    expect(await findLost(done)).toBe(done.made['publish']);
  });
});
