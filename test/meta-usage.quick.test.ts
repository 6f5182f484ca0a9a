import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INSTAGRAM } from '../providers/instagram/client.ts';
import { callGraph, readGraph } from '../providers/meta/graph.ts';
import { THREADS } from '../providers/threads/client.ts';

/* What Meta's usage headers say (instagram-facts 6), over HTTP: a server sends them beside an answer. */

const MINUTE = 60_000;

let server: Server;
let base: string;
let headers: Record<string, string | string[]> = {};

beforeAll(async () => {
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end('{"id":"7"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  base = `http://127.0.0.1:${address.port}`;
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const call = () =>
  ({ base, path: '/7', effect: 'read', accessToken: 't', signal: AbortSignal.timeout(10_000) }) as const;

async function usage(sent: typeof headers, platform = INSTAGRAM): Promise<unknown> {
  headers = sent;
  const answer = await readGraph(platform, call());
  expect(answer.body).toEqual({ id: '7' });
  return answer.usage;
}

const app = (counts: object): Record<string, string> => ({ 'x-app-usage': JSON.stringify(counts) });
const businesses = (rows: object): Record<string, string> => ({
  'x-business-use-case-usage': JSON.stringify(rows),
});

describe('the usage', () => {
  test.each([
    ['the largest percent of the app', app({ call_count: 28, total_time: 25, total_cputime: 61 }), 61],
    ['a percent that is a text, rounded up', app({ call_count: '59.5' }), 60],
    [
      'the largest percent of our own type, of every business',
      businesses({
        '17841': [
          { type: 'instagram', call_count: 12, total_cputime: 40, total_time: 25 },
          { type: 'ads_management', call_count: 100 },
        ],
        '17842': [{ type: 'instagram', call_count: '55' }],
      }),
      55,
    ],
    [
      'the larger of both headers',
      { ...app({ call_count: 70 }), ...businesses({ '1': [{ type: 'instagram', call_count: 9 }] }) },
      70,
    ],
    ['a header that came twice', { 'x-app-usage': ['{"call_count":3}', '{"call_count":4}'] }, 4],
    ['more than everything', app({ call_count: 140 }), 140],
    ['nothing used', app({ call_count: 0 }), 0],
    ['one readable header of two', { 'x-business-use-case-usage': '{"1":[{', ...app({ total_time: 5 }) }, 5],
  ])('is %s', async (_what, sent, percent) => {
    expect(await usage(sent)).toEqual({ percent });
  });

  test.each([
    [19, 19 * MINUTE],
    ['19', 19 * MINUTE],
  ])('has the time until calls are accepted again: %j', async (minutes, retryAfterMs) => {
    const row = { type: 'instagram', call_count: 100, estimated_time_to_regain_access: minutes };
    const other = { type: 'pages', estimated_time_to_regain_access: 1440 };
    expect(await usage(businesses({ '1': [other, row] }))).toEqual({ percent: 100, retryAfterMs });
  });

  test('of Threads counts rows of its own type', async () => {
    const rows = [
      { type: 'instagram', call_count: 90 },
      { type: 'threads', call_count: 8, estimated_time_to_regain_access: 0 },
    ];
    expect(await usage(businesses({ '1': rows }), THREADS)).toEqual({ percent: 8 });
  });

  test.each([
    ['no header', {}],
    ['a key that Meta does not send', app({ total_cpu_time: 99 })],
    ['values that are no numbers', app({ call_count: null, total_time: {}, total_cputime: 'many' })],
    ['a negative percent', app({ call_count: -1 })],
    ['a list', { 'x-app-usage': '[90]' }],
    ['rows of other types', businesses({ '1': [{ type: 'pages', call_count: 99 }] })],
    ['businesses that are no lists', businesses({ '1': { type: 'instagram', call_count: 99 }, '2': null })],
    ['broken JSON', { 'x-app-usage': '{"call_count":9', 'x-business-use-case-usage': 'none' }],
  ])('is not known from %s', async (_what, sent) => {
    expect(await usage(sent)).toBeNull();
  });

  test('does not change what other callers get', async () => {
    headers = app({ call_count: 99 });
    expect(await callGraph(INSTAGRAM, call())).toEqual({ id: '7' });
  });
});
