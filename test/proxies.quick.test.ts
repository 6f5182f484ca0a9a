import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { http, HttpFailure } from '../providers/http.ts';
import { readNoProxy } from '../providers/no-proxy.ts';
import { sendThrough } from '../providers/proxies.ts';
import { startConnectProxy } from './connect-proxy.ts';

/* Outgoing calls through a proxy: which calls use it, and the meaning of its refusal. */

let proxy: Awaited<ReturnType<typeof startConnectProxy>>;
let target: Server;
let port: number;
beforeAll(async () => {
  proxy = await startConnectProxy();
  target = createServer((request, response) => {
    if (request.url === '/cut') request.socket.destroy();
    else response.end(`${request.headers.host} ${request.url}`);
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ({ port } = target.address() as AddressInfo);
  proxy.leadTo(`http://127.0.0.1:${port}`);
});
afterEach(() => {
  sendThrough({ https: '', http: '', except: '' });
  proxy.refuse(false);
  proxy.asked.length = 0;
});
afterAll(async () => {
  await proxy?.close();
  await new Promise((resolve) => target?.close(resolve));
});

const get = (url: string) => http({ method: 'GET', url, signal: AbortSignal.timeout(20_000) });
const failure = async (url: string): Promise<boolean | string> =>
  get(url).then(
    () => 'answered',
    (error: unknown) => (error instanceof HttpFailure ? error.sent : String(error)),
  );

test('a call goes through its protocol’s proxy, by a tunnel', async () => {
  sendThrough({ https: '', http: proxy.url, except: '' });
  expect((await get('http://platform.test/v2/')).text).toBe('platform.test /v2/');
  expect(proxy.asked).toEqual(['platform.test:80']);
  // There is no proxy for https, and no such host.
  expect(await failure('https://platform.test/')).toBe(false);
  sendThrough({ https: proxy.url, http: '', except: '' });
  await failure('https://platform.test/');
  expect(proxy.asked).toEqual(['platform.test:80', 'platform.test:443']);
});

test('excluded hosts and this machine are called directly', async () => {
  sendThrough({ https: proxy.url, http: proxy.url, except: 'other.test,.inner.test' });
  for (const host of ['other.test', 'a.inner.test']) expect(await failure(`http://${host}/`)).toBe(false);
  for (const host of ['127.0.0.1', 'localhost'])
    expect((await get(`http://${host}:${port}/near`)).text).toBe(`${host}:${port} /near`);
  expect(proxy.asked).toEqual([]);
});

test.for<[string, string, boolean]>([
  ['platform.test', 'https://platform.test/', true],
  ['platform.test', 'https://api.platform.test/', true],
  ['PLATFORM.test', 'https://Platform.Test./', true],
  ['platform.test', 'https://notplatform.test/', false],
  ['.platform.test', 'https://api.platform.test/', true],
  ['*.platform.test', 'https://api.platform.test/', true],
  ['a.test, platform.test  b.test', 'https://platform.test/', true],
  ['*', 'https://platform.test/', true],
  ['a.test,*', 'https://platform.test/', true],
  ['platform.test:443', 'https://platform.test/', true],
  ['platform.test:443', 'http://platform.test/', false],
  ['platform.test:8443', 'https://platform.test:8443/', true],
  ['10.1.2.3', 'http://10.1.2.3/', true],
  ['10.1.2.3:80', 'http://10.1.2.3/', true],
  ['10.1.2.3:80', 'http://10.1.2.3:81/', false],
  ['10.1.2.3', 'http://10.1.2.4/', false],
  ['10.0.0.0/8', 'http://10.200.3.4/', true],
  ['10.0.0.0/8', 'http://11.0.0.1/', false],
  ['10.0.0.0/8', 'http://[fd00::1]/', false],
  ['fd00::/8', 'http://[fd00::1]/', true],
  ['fd00::1', 'http://[fd00:0:0::1]/', true],
  ['[fd00::1]:80', 'http://[fd00::1]/', true],
  ['[fd00::1]:81', 'http://[fd00::1]/', false],
  ['10.0.0.0/8', 'http://10.platform.test/', false],
  ['', 'http://platform.test/', false],
  [',, .', 'http://platform.test/', false],
  ['__proto__', 'http://platform.test/', false],
])('NO_PROXY "%s" and %s: direct is %s', ([list, url, directly]) => {
  expect(readNoProxy(list)(new URL(url))).toBe(directly);
});

test('an address of an excluded network is called directly', async () => {
  sendThrough({ https: '', http: proxy.url, except: '192.0.2.0/24' });
  const soon = http({ method: 'GET', url: 'http://192.0.2.1/', signal: AbortSignal.timeout(300) });
  await soon.catch(() => {});
  expect(proxy.asked).toEqual([]);
  expect((await get('http://198.51.100.1/v2/')).text).toBe('198.51.100.1 /v2/');
});

test('a call that the proxy refuses was not sent; one cut off behind it may have been', async () => {
  sendThrough({ https: '', http: proxy.url, except: '' });
  proxy.refuse(true);
  expect(await failure('http://refused.test/')).toBe(false);
  proxy.refuse(false);
  expect(await failure('http://platform.test/cut')).toBe(true);
  sendThrough({ https: '', http: 'http://127.0.0.1:1', except: '' });
  expect(await failure('http://platform.test/')).toBe(false);
});
