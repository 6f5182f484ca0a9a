import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createWorld, type World } from './world.ts';

/*
 * Connecting in a real Chromium, which enforces what scripts with a cookie jar do not notice: the page's form-action
 * must allow every redirect that follows a form, and other sites' forms carry their origin.
 */

let world: World;
let browser: Browser;
beforeAll(async () => {
  world = await createWorld({ worker: false });
  // Chromium is unpacked into this run's folder.
  process.env['TMPDIR'] = inject('runDir');
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    // As root, Chromium refuses to start with its sandbox; it only visits our own pages.
    args: ['--no-sandbox'],
  });
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

async function newPage(javaScriptEnabled: boolean): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled });
  return context.newPage();
}

async function newLink(provider: string, more = {}): Promise<string> {
  const { body } = await world.call('POST', '/api/connect-links', {
    body: { provider, name: 'Studio Nine', ...more },
  });
  return body.url;
}

const APPROVE = { tiktok: 'Approve', instagram: 'Continue', threads: 'Continue' } as const;
const TITLES = { tiktok: 'TikTok', instagram: 'Instagram', threads: 'Threads' } as const;
const WAYS = [
  ['tiktok', undefined],
  ['instagram', 'facebook_login'],
  ['instagram', 'instagram_login'],
  ['threads', undefined],
] as const;

test.each(
  WAYS.flatMap(([provider, method]) => [true, false].map((script) => [provider, method, script] as const)),
)('a creator connects %s (%s), JavaScript %s', async (provider, method, script) => {
  const page = await newPage(script);
  await page.goto(await newLink(provider, { method }));
  expect(await page.textContent('main')).toMatch(/Studio Nine\s+asks to:/);
  await page.getByRole('button', { name: `Continue to ${TITLES[provider]}` }).click();
  await page.waitForURL((url) => url.origin === new URL(world.sandbox.url).origin);
  await page.getByRole('button', { name: APPROVE[provider] }).click();
  await page.waitForURL(`${world.url}/connected/**`);
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Connected');
  const again = await page.reload();
  expect(again?.status()).toBe(200);
  await page.context().close();
});

test.each(['tiktok', 'threads'])(
  'a consent page that redirects at once leads to returnTo as well (%s)',
  async (provider) => {
    await world.control('POST', '/consent', { decision: 'approve', provider });
    const page = await newPage(true);
    // Another origin; only its address matters.
    const returnTo = `${world.sandbox.url.replace('127.0.0.1', 'localhost')}/done`;
    await page.goto(await newLink(provider, { returnTo }));
    await page.getByRole('button', { name: /^Continue to/ }).click();
    await page.waitForURL((url) => url.searchParams.has('account'));
    expect(page.url()).toMatch(`${returnTo}?account=`);
    await page.context().close();
  },
);

test('a refusal offers another try in the same browser', async () => {
  const page = await newPage(false);
  await page.goto(await newLink('tiktok'));
  await page.getByRole('button', { name: 'Continue to TikTok' }).click();
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.waitForURL(`${world.url}/connected/**`);
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Not connected');
  await page.getByRole('link', { name: 'Try again' }).click();
  await page.getByRole('button', { name: 'Continue to TikTok' }).click();
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.waitForURL(`${world.url}/connected/**`);
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Connected');
  await page.context().close();
});

test('another site’s form does not start to connect', async () => {
  const page = await newPage(true);
  const link = new URL(await newLink('tiktok'));
  await page.goto(`${world.sandbox.url.replace('127.0.0.1', 'localhost')}/_sandbox/health`);
  await page.setContent(
    `<form method="post" action="${link.origin}${link.pathname}"><input name="link" value="${link.searchParams.get('link')}"><button>Win</button></form>`,
  );
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'POST'),
    page.getByRole('button', { name: 'Win' }).click(),
  ]);
  expect(answer.status()).toBe(403);
  expect(await page.context().cookies()).toEqual([]);
  await page.context().close();
});
