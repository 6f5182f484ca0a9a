import process from 'node:process';
import * as fc from 'fast-check';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { returnToProblem } from '../api/urls.ts';
import { cleanJson, cleanText } from '../providers/clean.ts';
import { ProviderError } from '../providers/errors.ts';
import { parseJson, parseVerbatim } from '../providers/http.ts';
import { InstagramPostInfo } from '../providers/instagram/request.ts';
import { checkInstagramRequest } from '../providers/instagram/rules.ts';
import { mediaUrlProblem } from '../providers/media-urls.ts';
import { ThreadsPostInfo } from '../providers/threads/request.ts';
import { checkThreadsRequest } from '../providers/threads/rules.ts';
import { PostInfo } from '../providers/tiktok/request.ts';
import { checkRequest } from '../providers/tiktok/rules.ts';

/* Untrusted texts: their cost, and the cleaning of those that cannot be stored. */

/** Pieces on which patterns and loops of the product may fail, repeated many times. */
const PIECES = [
  'a',
  ' ',
  '.',
  '#',
  '@',
  '#a ',
  '@a ',
  '"',
  '\\',
  '\\u0000',
  '\\ud83d',
  '=',
  '/',
  '[',
  '{"a":',
  '\u0301',
  '\ufe0f',
].concat(['http:', 'http://', 'https://a?', 'http://a.', '🇩', '👩‍', '\0', '\ud83d', '%', '<', '2207', '#_']);
const ENDS = ['', 'x', '?', '"'];
/** Some parsers only work hard after these. */
const STARTS = ['', 'http://'];

const textsOf = (postInfo: { properties: object }): string[] =>
  Object.entries(postInfo.properties).flatMap(([name, schema]) => (Type.IsString(schema) ? [name] : []));
const ignore = (work: () => unknown): void => {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
};

const provider = 'tiktok';
const error = { provider, kind: 'rejected', code: 'c', message: '', userMessage: '' } as const;
const READERS: [name: string, read: (text: string) => unknown][] = [
  [
    'the words of a provider',
    (text) => new ProviderError({ ...error, message: text, providerMessage: text }),
  ],
  ['JSON', (text) => ignore(() => parseJson(text))],
  ['JSON in a text', (text) => ignore(() => parseVerbatim(JSON.stringify(text)))],
  ['JSON escapes in a text', (text) => cleanJson(`"${text}"`)],
  ['the address of a file', (text) => mediaUrlProblem(text, { allowPrivate: false })],
  ['the way back', (text) => returnToProblem(text)],
  ...textsOf(ThreadsPostInfo).map((field): (typeof READERS)[number] => [
    `${field} of Threads`,
    (text) => checkThreadsRequest({ mediaType: 'TEXT', media: [], postInfo: { [field]: text } }),
  ]),
  ...textsOf(InstagramPostInfo).map((field): (typeof READERS)[number] => [
    `${field} of Instagram`,
    (text) => checkInstagramRequest({ mediaType: 'IMAGE', media: [], postInfo: { [field]: text } }),
  ]),
  ...textsOf(PostInfo).map((field): (typeof READERS)[number] => [
    `${field} of TikTok`,
    (text) => checkRequest({ source: 'PULL_FROM_URL', mode: 'direct', postInfo: { [field]: text } }),
  ]),
];

const SHORT = 2_000;
/** Eight times the length: eight times the time, or 64 times if quadratic. */
const TIMES = 8;
const MOST = 24;
/** A clock cannot measure less. */
const TICK_MS = 2;

test.each(READERS)('%s takes time linear in its length', (_name, read) => {
  const texts = STARTS.flatMap((start) =>
    PIECES.flatMap((piece) => ENDS.map((end) => ({ start, piece, end }))),
  );
  const slow = texts.filter((text) => {
    const long = Math.min(...[1, 2].map(() => timeOf(read, text, SHORT * TIMES)));
    return long > TICK_MS * MOST && long / timeOf(read, text, SHORT) > MOST;
  });
  expect(slow).toEqual([]);
});

/** Processor time of this thread, in milliseconds: a busy machine adds none. */
function timeOf(
  read: (text: string) => unknown,
  { start, piece, end }: { start: string; piece: string; end: string },
  length: number,
): number {
  const text = start + piece.repeat(Math.ceil(length / piece.length)) + end;
  const since = process.threadCpuUsage();
  read(text);
  const { user, system } = process.threadCpuUsage(since);
  return (user + system) / 1000;
}

const nested = (depth: number): string => `${'[{"]":'.repeat(depth)}"["${'}]'.repeat(depth)}`;

describe('clean JSON', () => {
  /** Any text, including invalid parts. */
  const unclean = fc.string({
    unit: fc.oneof(fc.constantFrom('\0', '\ud83d', '\ude00', '\\', '"', 'u0000'), fc.string()),
  });
  const value = fc.anything({ key: unclean, values: [unclean, fc.integer(), fc.boolean()] });

  test('has the same meaning in clean texts', () => {
    fc.assert(
      fc.property(value, (said) => {
        const json = JSON.stringify(said) ?? 'null';
        expect(JSON.parse(cleanJson(json))).toEqual(cleaned(JSON.parse(json)));
      }),
    );
  });

  test('of clean JSON is the same text', () => {
    fc.assert(
      fc.property(value, fc.nat(9), (said, indent) => {
        const json = JSON.stringify(cleaned(JSON.parse(JSON.stringify(said) ?? 'null')), null, indent);
        expect(cleanJson(json)).toBe(json);
      }),
    );
  });

  test('keeps pairs, other escapes, digits and spaces', () => {
    const json = ' {"a" : "\\ud83d\\ude00\\\\u0000\\\\\\n\\u00e9", "n":[1.0, 1e400, 12345678901234567890]}';
    expect(cleanJson(json)).toBe(json);
  });

  test('is not too deep for a parser', () => {
    expect(cleanJson(nested(50))).toBe(nested(50));
    expect(JSON.stringify(parseJson(nested(100_000)))).toContain('\\"]\\"');
    expect(() => parseJson('['.repeat(100_000))).toThrow(SyntaxError);
  });
});

const of = (text: string): ProviderError =>
  new ProviderError({
    ...error,
    message: text,
    userMessage: text,
    providerCode: text,
    providerMessage: text,
    logId: text,
  });

describe('a ProviderError', () => {
  test('has clean texts of limited length', () => {
    const { message, userMessage, details } = of(`\0\ud83d${'x'.repeat(100_000)}`);
    for (const text of [message, userMessage, ...Object.values(details)]) {
      expect(String(text)).toMatch(/^(\ufffd\ufffdx+|tiktok)$/);
      expect(String(text).length).toBeLessThanOrEqual(2000);
    }
  });

  test.each([
    [
      'see https://a/b?secret=1, "http://c?d" and a?b=http://e?f.',
      'see https://a/b "http://c" and a?b=http://e',
    ],
    ['what? http://a', 'what? http://a'],
  ])('names no query: %s', (text, shown) => {
    expect(of(text).message).toBe(shown);
  });

  test('waits for at most a day', () => {
    expect(new ProviderError({ ...error, retryAfterMs: 1e300 }).retryAfterMs).toBe(24 * 3_600_000);
  });
});

/** The same result, computed the slow way. */
function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cleaned);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [cleanText(key), cleaned(part)]));
}
