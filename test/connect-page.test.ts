import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createVisitor, type Visited, type Visitor } from '../stack/visitor.ts';
import { createWorld, type World } from './world.ts';

/* The page before the consent, the browser that an attempt belongs to, and the page with the result. */

let world: World;
/** The creator's browser. */
let browser: Visitor;
beforeAll(async () => {
  world = await createWorld({ worker: false });
});
afterAll(() => world?.close());
beforeEach(async () => {
  browser = createVisitor();
  await world.control('DELETE', '/consent');
  await world.control('DELETE', '/requests');
});

async function newLink(more: Record<string, unknown> = {}, key = world.user.key): Promise<string> {
  const { status, body, text } = await world.call('POST', '/api/connect-links', {
    key,
    body: { provider: 'tiktok', ...more },
  });
  if (status !== 201) throw new Error(text);
  return body.url;
}

/** Creates a user with a display name. @returns their key */
async function userNamed(displayName: string): Promise<string> {
  const admin = { key: world.secrets.adminKey };
  const body = { email: `${randomUUID()}@example.com`, displayName };
  const user = await world.call('POST', '/api/users', { ...admin, body });
  expect(user.body).toMatchObject({ email: body.email });
  const made = await world.call('POST', `/api/users/${user.body.id}/keys`, { ...admin, body: { name: 'k' } });
  return made.body.key;
}

/** Answers the consent page. @returns the callback's URL */
async function consent(page: string, decision: Record<string, unknown> = {}): Promise<string> {
  await world.control('POST', '/consent', { decision: 'approve', provider: 'tiktok', ...decision });
  return (await createVisitor().get(page)).location ?? '';
}

/** The page of a link with this name. */
const pageFrom = async (name: string, key: string): Promise<string> =>
  words(await browser.get(await newLink({ name }, key)));

/** The visible text of a page. */
const words = ({ text }: { text: string }): string =>
  text
    .replace(/<head>.*<\/head>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#(\d+);/g, (_entity, code: string) => String.fromCodePoint(Number(code)))
    .replace(/ +/g, ' ');

/** The target of "Try again". */
function linkOf({ text }: Visited, address: string): string {
  const [, href] = /<a [^>]*href="([^"]+)"[^>]*>Try again<\/a>/.exec(text) ?? [];
  if (href === undefined) throw new Error(`no way to try again: ${text}`);
  return new URL(
    href.replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code))),
    address,
  ).href;
}

const states = async (): Promise<number> =>
  (await world.database.db.execute(sql`select 1 from oauth_states`)).length;

describe('the page', () => {
  test('shows who asks for what, has one form and one button, and starts nothing', async () => {
    const link = await newLink({ name: 'Ann & Sons' });
    const before = await states();
    const page = await browser.get(link);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.text).toContain('<h1>Connect TikTok</h1>');
    expect(words(page)).toMatch(/Ann & Sons\s+asks to:/);
    for (const line of [
      'read your name and picture',
      'put drafts into your TikTok inbox',
      'post videos and photos for you',
    ])
      expect(words(page)).toContain(line);
    expect(page.text.match(/<form/g)).toHaveLength(1);
    expect(page.text).toContain('<button>Continue to TikTok</button>');
    expect(page.text).not.toMatch(/<script|style=|<style/);
    expect(await states()).toBe(before);
    expect((await browser.get(link)).status).toBe(200);
  });

  test('shows the name of the link, else of the user, else the host, and never an e-mail address', async () => {
    const key = await userNamed('Studio Nine');
    const { host } = new URL(world.url);
    expect(words(await browser.get(await newLink({}, key)))).toMatch(/Studio Nine\s+asks to:/);
    expect(words(await browser.get(await newLink()))).toMatch(new RegExp(`${host}\\s+asks to:`));
    for (const more of [{}, { name: 'Nora' }]) {
      const { text } = await browser.get(await newLink(more));
      expect(text).not.toMatch(/@|&#64;/);
    }
  });

  test('shows the operator’s name too if the link’s sender chose another one', async () => {
    const key = await userNamed('Studio Nine');
    const { host } = new URL(world.url);
    const other = await pageFrom('TikTok Security', key);
    expect(other).toMatch(/TikTok Security\s+asks to:/);
    expect(other).toMatch(new RegExp(`sender of this link chose this name:\\s+Studio Nine\\s+of ${host}`));
    expect(await pageFrom('TikTok Security', world.user.key)).toContain(`a user of ${host}`);
    expect(await pageFrom(' Studio\tNine ', key)).not.toContain('chose this name');
  });

  test.each([
    ['a line break', 'Ann\r\n\u2028asks to:\u2029', 'Ann asks to:'],
    ['text that turns the rest round', 'Ann\u202Egnisol\u2066\u200F', 'Anngnisol'],
    ['markup', '<h1 onclick="x">Ann</h1>\'"&', '<h1 onclick="x">Ann</h1>\'"&'],
    ['control characters', 'An\u0007n\u009B\u00AD\uFEFF', 'Ann'],
    ['piled marks', `A${'\u0301'.repeat(80)}nn`, `A${'\u0301'.repeat(4)}nn`],
    ['spaces', ' \u3000 Ann \t Lee\u00A0 ', 'Ann Lee'],
    ['an emoji of several parts', '👩‍👩‍👧 Lee', '👩‍👩‍👧 Lee'],
  ])('shows a name with %s as one line of plain text', async (_what, name, shown) => {
    const link = await newLink({ name });
    const [, html = ''] = /<bdi>(.*?)<\/bdi>/s.exec((await browser.get(link)).text) ?? [];
    expect(html).not.toMatch(/[<>"']/);
    expect(words({ text: html })).toBe(shown);
  });

  test.each([[''], ['\u200B\u202E \n'], ['\u3164\u3164'], ['n'.repeat(101)], [7]])(
    'refuses a name without visible characters: %j',
    async (name) => {
      for (const [path, key, body] of [
        ['/api/connect-links', world.user.key, { provider: 'tiktok', name }],
        ['/api/users', world.secrets.adminKey, { email: `${randomUUID()}@example.com`, displayName: name }],
      ] as const) {
        const answer = await world.call('POST', path, { key, body });
        expect([path, answer.status, answer.body.error.code]).toEqual([path, 400, 'invalid_request']);
      }
    },
  );

  test('lets its form lead to the configured consent hosts and to returnTo', async () => {
    const { headers } = await browser.get(await newLink({ returnTo: 'https://app.example:8443/done?x=1' }));
    const policy = headers.get('content-security-policy') ?? '';
    const [, formAction = ''] = /form-action ([^;]*)/.exec(policy) ?? [];
    const sources = formAction.split(' ');
    const { env } = world;
    for (const url of [
      env.TIKTOK_AUTH_URL,
      env.FACEBOOK_DIALOG_URL,
      env.INSTAGRAM_AUTH_URL,
      env.THREADS_AUTH_URL,
      'https://app.example:8443/',
    ])
      expect(sources).toContain(new URL(url ?? '').origin);
    expect(sources[0]).toBe("'self'");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
  });

  test('loads its style from a file that the policy allows', async () => {
    const link = await newLink();
    const page = await browser.get(link);
    const [, href = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec(page.text) ?? [];
    const style = await browser.get(new URL(href, link).href);
    expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
  });
});

describe('the form', () => {
  test('leads to the consent page, and gives the browser its half of the state', async () => {
    const start = await browser.openLink(await newLink());
    expect(start.status).toBe(303);
    expect(start.location).toMatch(`${world.sandbox.url}/v2/auth/authorize/?`);
    const cookie = start.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^everpost-connect=[\w-]{43};/);
    for (const attribute of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Max-Age=3600'])
      expect(cookie).toContain(attribute);
    expect(cookie).not.toContain('Domain');
    const rows = await world.database.db.execute(sql`select * from oauth_states`);
    expect(JSON.stringify(rows)).not.toContain(/=([^;]+)/.exec(cookie)?.[1]);
  });

  test.each<[string, Record<string, string>]>([
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['a sister host', { 'sec-fetch-site': 'same-site' }],
    ['nowhere', { 'sec-fetch-site': 'none' }],
    ['another site, of an old browser', { origin: 'https://evil.example' }],
    ['another site, which says so', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
  ])('sent from %s is refused, and the link stays valid', async (_from, headers) => {
    const link = await newLink();
    const page = await browser.get(link);
    const refused = await browser.submit(link, page, headers);
    expect(refused.status).toBe(403);
    expect(refused.location).toBeNull();
    expect(words(refused)).toContain('cross_origin');
    const sent = await browser.submit(link, page, { 'sec-fetch-site': 'same-origin', origin: 'null' });
    expect(sent.status).toBe(303);
  });

  test.each<[string, Record<string, string>]>([
    ['null, as from a page without a referrer', { origin: 'null' }],
    ['nothing, as a program,', {}],
    ['ours', { origin: 'ours' }],
  ])('of a client that sends %s as its origin is accepted', async (_says, headers) => {
    const link = await newLink();
    const origin = headers['origin'] === 'ours' ? { origin: world.url } : {};
    const sent = await browser.submit(link, await browser.get(link), { ...headers, ...origin });
    expect(sent.status).toBe(303);
  });

  test('of a program that keeps cookies only from the form on is accepted', async () => {
    const link = await newLink();
    const program = createVisitor();
    const sent = await program.submit(link, await createVisitor().get(link));
    expect(sent.status).toBe(303);
    const done = await program.get(await consent(sent.location ?? ''));
    expect((await program.get(done.location ?? '')).status).toBe(200);
  });

  test.each<[string, (form: { link: string; page: Visited }) => Promise<Visited>]>([
    ['without a cookie', ({ link, page }) => createVisitor().submit(link, page, { origin: 'null' })],
    [
      'with the cookie of another page',
      async ({ link, page }) => {
        const other = createVisitor();
        await other.get(await newLink());
        return other.submit(link, page, { origin: 'null' });
      },
    ],
    [
      'with a cookie, but without the page’s proof',
      ({ link }) =>
        browser.submit(
          link,
          {
            status: 200,
            headers: new Headers(),
            location: null,
            text: `<form method="post" action="tiktok"><input type="hidden" name="link" value="${new URL(link).searchParams.get('link')}"></form>`,
          },
          { origin: 'null' },
        ),
    ],
  ])(
    'of a browser that does not name its site, %s, starts nothing and says what to do',
    async (_what, submit) => {
      const link = await newLink();
      const page = await browser.get(link);
      const before = await states();
      const refused = await submit({ link, page });
      expect([refused.status, refused.location]).toEqual([403, null]);
      expect(words(refused)).toContain('cookie_missing');
      expect(words(refused)).toContain('Allow cookies for this site, open the link again');
      expect(await states()).toBe(before);
      expect(refused.text).toContain(`link=${new URL(link).searchParams.get('link')}`);
      const sent = await browser.submit(link, page);
      expect(sent.status).toBe(303);
    },
  );

  test('at a URL with extra parameters is accepted', async () => {
    const link = `${await newLink()}&fbclid=x&utm_source=mail`;
    expect((await browser.openLink(link)).status).toBe(303);
  });

  test('of a link that is used up meanwhile leads nowhere', async () => {
    const link = await newLink();
    const page = await browser.get(link);
    await world.database.db.execute(sql`update connect_links set used_at = now() where used_at is null`);
    const late = await browser.submit(link, page);
    expect([late.status, late.location]).toEqual([400, null]);
    expect(words(late)).toContain('invalid_link');
  });
});

describe('an attempt belongs to the browser that started it', () => {
  const json = { accept: 'application/json' };

  test('so a stranger at the callback connects nothing, and the link and the attempt stay valid', async () => {
    const link = await newLink();
    const callback = await consent((await browser.openLink(link)).location ?? '');
    const stranger = createVisitor();
    // Even one that is connecting something else.
    const busy = createVisitor();
    await busy.openLink(await newLink());
    for (const other of [stranger, busy]) {
      const page = await other.get(callback);
      expect(page.status).toBe(400);
      expect(words(page)).toContain('invalid_state');
      const told = await other.get(callback, json);
      expect([told.status, JSON.parse(told.text).error.code]).toEqual([400, 'invalid_state']);
    }
    expect(await world.requests('oauth.token')).toHaveLength(0);
    expect((await browser.get(callback, json)).status).toBe(200);
  });

  test('so with returnTo another browser is not redirected there', async () => {
    const link = await newLink({ returnTo: 'https://app.example/done' });
    const callback = await consent((await browser.openLink(link)).location ?? '');
    const busy = createVisitor();
    await busy.openLink(await newLink());
    for (const other of [createVisitor(), busy]) {
      const told = await other.get(callback);
      expect([told.status, told.location]).toEqual([400, null]);
      expect(words(told)).toContain('invalid_state');
    }
    expect((await browser.get(callback)).location).toMatch('https://app.example/done?account=');
  });

  test('and two attempts in one browser do not disturb each other', async () => {
    const [one, two] = [
      await browser.openLink(await newLink()),
      await browser.openLink(await newLink({ provider: 'threads' })),
    ];
    const first = await consent(one.location ?? '');
    await world.control('POST', '/consent', { decision: 'approve', provider: 'threads' });
    const second = (await createVisitor().get(two.location ?? '')).location ?? '';
    expect((await browser.get(second, json)).status).toBe(200);
    expect((await browser.get(first, json)).status).toBe(200);
  });
});

describe('the result', () => {
  test('has a URL that can be reloaded for an hour', async () => {
    const callback = await consent((await browser.openLink(await newLink())).location ?? '');
    const end = await browser.get(callback);
    expect(end.status).toBe(303);
    expect(end.location).toMatch(new RegExp(`^${world.url}/connected/[\\w-]{43}$`));
    for (let times = 0; times < 2; times += 1) {
      const page = await browser.get(end.location ?? '');
      expect(page.status).toBe(200);
      expect(words(page)).toContain('Connected: Sandbox Creator (@sandbox_creator) , TikTok.');
    }
    await world.database.db.execute(sql`update oauth_states set result_expires_at = now()`);
    expect((await browser.get(end.location ?? '')).status).toBe(404);
    expect((await browser.get(`${world.url}/connected/${randomUUID()}`)).status).toBe(404);
  });

  test('of a refusal offers another try until the link is used', async () => {
    const start = await browser.openLink(await newLink());
    const end = await browser.get(await consent(start.location ?? '', { decision: 'deny' }));
    const page = await browser.get(end.location ?? '');
    expect(page.status).toBe(400);
    expect(page.text).toContain('<h1>Not connected</h1>');
    expect(page.text).toContain('<p>You did not allow the connection, so nothing was connected.</p>');
    const again = linkOf(page, end.location ?? '');
    const second = await browser.openLink(again);
    expect(second.status).toBe(303);
    const done = await browser.get(await consent(second.location ?? ''));
    expect((await browser.get(done.location ?? '')).status).toBe(200);
    expect((await browser.openLink(again)).status).toBe(400);
  });

  test('of an expired attempt leads back to the link, but not in another browser', async () => {
    const callback = await consent((await browser.openLink(await newLink())).location ?? '');
    const other = createVisitor();
    expect((await other.get(callback)).text).not.toContain('Try again');
    await world.database.db.execute(sql`update oauth_states set expires_at = now() where used_at is null`);
    const late = await browser.get(callback);
    expect([late.status, words(late)]).toEqual([400, expect.stringContaining('invalid_state')]);
    expect(late.text).not.toContain(new URL(callback).searchParams.get('state'));
    const again = linkOf(late, callback);
    expect((await other.get(again)).status).toBe(400);
    const second = await browser.openLink(again);
    const done = await browser.get(await consent(second.location ?? ''));
    expect((await browser.get(done.location ?? '')).status).toBe(200);
    expect((await browser.get(callback)).text).not.toContain('Try again');
    const stray = new URL(callback);
    stray.searchParams.set('state', randomUUID());
    expect((await browser.get(stray.href)).text).not.toContain('Try again');
  });

  test('of an attempt started with a key leads back to it in the same browser only', async () => {
    const bearer = { authorization: `Bearer ${world.user.key}` };
    const start = await browser.openLink(`${world.url}/api/auth/tiktok`, bearer);
    const end = await browser.get(await consent(start.location ?? '', { decision: 'deny' }));
    const address = end.location ?? '';
    const again = linkOf(await browser.get(address), address);
    expect((await createVisitor().get(address)).text).not.toContain('Try again');
    expect((await createVisitor().get(again)).status).toBe(400);
    const second = await browser.openLink(again);
    const done = await browser.get(await consent(second.location ?? ''));
    expect((await browser.get(done.location ?? '')).status).toBe(200);
  });

  test('that does not arrive in time is a page too', async () => {
    const start = await browser.openLink(await newLink());
    const [cookie = ''] = (start.headers.get('set-cookie') ?? '').split(';');
    const callback = await consent(start.location ?? '');
    const page = await world.database.db.transaction(async (tx) => {
      await tx.execute(sql`lock table oauth_accounts in access exclusive mode`);
      return fetch(callback, { headers: { cookie, accept: 'text/html' } });
    });
    expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('<h1>Not connected</h1>');
  });

  test('of missing permissions names them in plain words', async () => {
    const start = await browser.openLink(await newLink());
    const end = await browser.get(await consent(start.location ?? '', { scopes: [] }));
    const page = await browser.get(end.location ?? '');
    expect(page.status).toBe(400);
    expect(page.text).toContain(
      '<p>These permissions were not granted: put drafts into your TikTok inbox, post videos and photos for you.</p>',
    );
    expect(page.text).toContain('>Try again</a>');
  });
});
