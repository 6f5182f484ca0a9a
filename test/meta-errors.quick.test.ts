import { describe, expect, test } from 'vitest';
import { ProviderError, type ProviderErrorKind } from '../providers/errors.ts';
import { HttpFailure } from '../providers/http.ts';
import { INSTAGRAM } from '../providers/instagram/client.ts';
import { META_CODES, META_NAMES } from '../providers/meta/codes.ts';
import { lostAnswer, type Platform, readAnswer } from '../providers/meta/errors.ts';
import { THREADS } from '../providers/threads/client.ts';

/* The meaning of Meta's error codes, by their tables (instagram-facts 5.2 and 5.3, threads-facts 5). */

const SECOND = 1000;
const HOUR = 3600 * SECOND;

interface Row {
  /** `code/error_subcode`, or a name in the body. */
  theirs: string;
  /** The key of its row in the catalogue; absent: its own name. */
  by?: string;
  code: string;
  kind: ProviderErrorKind;
  waitMs?: number;
  tries?: number;
}

const row = (theirs: string, code: string, kind: ProviderErrorKind, more: Partial<Row> = {}): Row => ({
  theirs,
  code,
  kind,
  ...more,
});
const rate = (theirs: string): Row => row(theirs, 'rate_limited', 'quota', { waitMs: HOUR });
const limit = (theirs: string, by = theirs): Row =>
  row(theirs, 'publish_limit_reached', 'quota', { by, waitMs: HOUR });
const again = (theirs: string, by = theirs): Row =>
  row(theirs, 'media_not_processed', 'unavailable', { by, waitMs: 30 * SECOND, tries: 5 });
const soon = (theirs: string, code = 'container_not_ready'): Row =>
  row(theirs, code, 'unavailable', { waitMs: 5 * SECOND, tries: 6 });
const token = (theirs: string, by = theirs): Row => row(theirs, 'access_token_invalid', 'token', { by });
const permission = (theirs: string, by = theirs): Row => row(theirs, 'permission_missing', 'account', { by });
const refused = (theirs: string, code: string, by = theirs): Row => row(theirs, code, 'rejected', { by });

const TABLE: readonly Row[] = [
  refused('Param text must be at most', 'text_too_long'),
  again('-2/2207003'),
  again('-2/2207020'),
  again('-1/2207001'),
  again('-1/2207032'),
  again('-1/2207053'),
  refused('1/2207057', 'thumb_offset_out_of_range'),
  refused('1/2207052', 'media_not_fetched'),
  limit('9'),
  limit('9/2207042', '*/2207042'),
  { ...token('24/2207006'), tries: 1 },
  soon('24/2207008'),
  soon('24/4279009'),
  refused('25/2207050', 'account_restricted'),
  refused('100/2207023', 'unknown_media_type'),
  refused('100/2207028', 'carousel_size'),
  refused('100/2207089', 'video_not_allowed'),
  ...[2207035, 2207036, 2207037, 2207040].map((sub) => refused(`100/${sub}`, 'invalid_request', '100')),
  soon('100/33', 'object_not_found'),
  refused('352/2207026', 'video_format'),
  refused('9004/2207052', 'media_not_fetched'),
  row('9007/2207027', 'container_not_ready', 'unavailable'),
  refused('36000/2207004', 'image_too_large'),
  refused('36001/2207005', 'image_format'),
  refused('36003/2207009', 'aspect_ratio'),
  refused('36004/2207010', 'caption_too_long'),
  refused('7/2207077', 'media_not_fetched', '*/2207077'),
  refused('7/2207081', 'trial_reels_not_available', '*/2207081'),
  again('7/2207082', '*/2207082'),
  limit('7/2207069', '*/2207069'),
  refused('803', 'unknown_id'),
  refused('2500', 'unknown_path'),
  refused('1609005', 'link_not_read'),
  refused('7/2207051', 'action_blocked', '*/2207051'),
  refused('7/4279013', 'action_blocked', '*/4279013'),
  permission('3'),
  permission('10'),
  permission('200'),
  permission('299', '200'),
  ...['4', '17', '32', '341', '613', '80001', '80002'].map(rate),
  refused('100', 'invalid_request'),
  token('102'),
  token('190'),
  ...[458, 459, 460, 463, 464, 467, 492].map((sub) => token(`190/${sub}`, '190')),
  refused('368', 'action_blocked'),
  refused('506', 'duplicate_refused'),
  refused('THREADS_API__LINK_LIMIT_EXCEEDED', 'too_many_links'),
  refused('THREADS_API__GEO_GATING_INVALID_COUNTRY_CODES', 'country_codes'),
  refused('THREADS_API__FEATURE_NOT_AVAILABLE', 'feature_not_available'),
  refused('INSTAGRAM_PLATFORM_API__INVALID_LOCATION_ID', 'invalid_location'),
  permission('INSTAGRAM_PLATFORM_API__PERMISSION'),
  refused('INSTAGRAM_PLATFORM_API__INVALID_PARAM', 'invalid_request'),
];

/** Errors that leave the outcome of a publish open. */
const SAYS_NOTHING = new Set(['media_not_processed', 'object_not_found']);

const EFFECTS = ['read', 'write', 'publish'] as const;
type Effect = (typeof EFFECTS)[number];

/** What an answer with this error becomes. */
function errorOf(
  platform: Platform,
  effect: Effect,
  body: object | string,
  more: { status?: number; headers?: Record<string, string> } = {},
): ProviderError {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  try {
    readAnswer(platform, { status: more.status ?? 400, headers: more.headers ?? {}, text }, effect);
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error('the answer was taken for a success');
}

function bodyOf(theirs: string): object {
  const [code, subcode] = theirs.split('/').map(Number);
  const named = Number.isNaN(code);
  return {
    error: {
      message: named ? `their words: ${theirs}` : 'their words',
      type: 'OAuthException',
      ...(named ? { code: 100 } : { code }),
      ...(subcode === undefined ? {} : { error_subcode: subcode }),
      is_transient: false,
      fbtrace_id: 'Atrace',
    },
  };
}

describe('an error code of Meta', () => {
  test('is in this table if the catalogue has it', () => {
    const rows = [...Object.keys(META_CODES), ...Object.keys(META_NAMES)];
    expect([...new Set(TABLE.map(({ theirs, by }) => by ?? theirs))].toSorted()).toEqual(rows.toSorted());
  });

  test('has a message that says what to do', () => {
    const silent = Object.entries({ ...META_CODES, ...META_NAMES }).filter(
      ([, { userMessage }]) => userMessage.split(/[.!] /).length < 2 || !userMessage.endsWith('.'),
    );
    expect(silent).toEqual([]);
  });

  test.each(TABLE)('$theirs is $code, $kind', ({ theirs, code, kind, waitMs, tries }) => {
    for (const platform of [INSTAGRAM, THREADS])
      // A server error leaves open what was published before it: a separate test.
      for (const effect of EFFECTS.filter((one) => one !== 'publish' || !SAYS_NOTHING.has(code)))
        for (const status of [400, 500]) {
          const error = errorOf(platform, effect, bodyOf(theirs), { status });
          expect(error).toMatchObject({ provider: platform.provider, code, kind, logId: 'Atrace' });
          expect(error.providerCode).toBe(/^-?\d/.test(theirs) ? theirs : '100');
          expect(error.providerMessage).toContain('their words');
          expect(error.retryAfterMs).toBe(waitMs);
          expect(error.tries).toBe(tries ?? Infinity);
        }
  });

  test.each(TABLE.filter(({ code }) => SAYS_NOTHING.has(code)))(
    '$theirs as the answer of a publish is an unknown outcome',
    ({ theirs }) => {
      for (const platform of [INSTAGRAM, THREADS])
        expect(errorOf(platform, 'publish', bodyOf(theirs))).toMatchObject({
          kind: 'unknown',
          code: 'outcome_unknown',
          providerCode: theirs,
        });
    },
  );

  test.each(['"…"', "'…'", '“…”', '„…“', '«…»', '‘…’'])(
    'does not come from a user’s text that a message quotes in %s',
    (quotes) => {
      for (const name of Object.keys(META_NAMES).filter((one) => !one.includes('_API__'))) {
        const quoted = quotes.replace('…', `I don't know what ${name} is`);
        const error = { message: `Invalid text ${quoted}, it can't be posted`, code: 506, fbtrace_id: 'A' };
        for (const body of [{ error }, { error: { code: 506, error_user_msg: error.message } }])
          expect(errorOf(THREADS, 'write', body)).toMatchObject({ code: 'duplicate_refused' });
      }
    },
  );

  test.each([
    '"…"',
    "'…'",
    '“…”',
    'it can’t: …',
    "it can't: …",
    '{"code":"…"}',
    'Request "a" failed: "…"',
    '"a" and "… of b"',
  ])('is recognized as a name in a message with %s', (words) => {
    const message = words.replace('…', 'THREADS_API__LINK_LIMIT_EXCEEDED');
    for (const body of [
      { error: { message, code: 1 } },
      { errors: [{ deep: { title: message } }] },
      { error: { code: 100, [message]: true } },
    ])
      expect(errorOf(THREADS, 'write', body)).toMatchObject({ code: 'too_many_links' });
  });

  test('is recognized as a name in a body that is not JSON', () => {
    expect(errorOf(THREADS, 'write', '<p class="x">THREADS_API__LINK_LIMIT_EXCEEDED</p>')).toMatchObject({
      code: 'too_many_links',
    });
  });

  test('about the post limit names the quota', () => {
    for (const theirs of ['9', '9/2207042', '7/2207069'])
      expect(errorOf(INSTAGRAM, 'publish', bodyOf(theirs)).quota).toBe('publish');
  });

  test.each(['4711', '4711/99'])('%s, which the catalogue does not have, is kept and shown', (theirs) => {
    for (const effect of EFFECTS) {
      const error = errorOf(THREADS, effect, bodyOf(theirs));
      expect(error).toMatchObject({ kind: 'rejected', code: 'provider_refused', providerCode: theirs });
      expect(error.userMessage).toContain(`"${theirs}"`);
      expect(error.details).toMatchObject({ providerCode: theirs, providerMessage: 'their words' });
    }
  });

  test.each<[Effect, ProviderErrorKind, string]>([
    ['read', 'unavailable', 'provider_unavailable'],
    ['write', 'unknown', 'outcome_unknown'],
    ['publish', 'unknown', 'outcome_unknown'],
  ])('"unknown" or "service down" makes a %s %s', (effect, kind, code) => {
    for (const theirs of ['1', '2'])
      expect(errorOf(INSTAGRAM, effect, bodyOf(theirs))).toMatchObject({ kind, code, providerCode: theirs });
    const transient = { error: { code: 4711, message: 'unexpected', is_transient: true } };
    expect(errorOf(INSTAGRAM, effect, transient)).toMatchObject({ kind, code });
    expect(errorOf(INSTAGRAM, effect, '<html>', { status: 502 })).toMatchObject({ kind, code });
  });

  test('after which posts were seen live is unknown for a publish, and a refusal otherwise', () => {
    const expected = { code: 'action_blocked', providerCode: '4/2207051' };
    const body = bodyOf('4/2207051');
    expect(errorOf(INSTAGRAM, 'publish', body)).toMatchObject({ ...expected, kind: 'unknown' });
    expect(errorOf(INSTAGRAM, 'write', body)).toMatchObject({ ...expected, kind: 'rejected' });
    expect(errorOf(INSTAGRAM, 'read', body)).toMatchObject({ ...expected, kind: 'rejected' });
  });

  test('is read from the flat body of a code exchange', () => {
    const body = { error_type: 'OAuthException', code: 400, error_message: 'Matching code was not found' };
    expect(errorOf(THREADS, 'read', body)).toMatchObject({
      kind: 'rejected',
      providerCode: '400',
      providerMessage: 'Matching code was not found',
    });
  });
});

test('the platform’s words are stored without the signature of a URL that they quote', () => {
  const url = 'https://media.example/media/1/video.mp4';
  const message = `cannot fetch "${url}?expires=1&signature=s3cret" (403)`;
  const error = errorOf(INSTAGRAM, 'write', { error: { message, code: 9004, error_subcode: 2207052 } });
  expect(error.providerMessage).toBe(`cannot fetch "${url}" (403)`);
});

test('some calls answer just "true"', () => {
  const answer = { status: 200, headers: {}, text: 'true' };
  expect(readAnswer(INSTAGRAM, answer, 'read')).toEqual({ success: true });
});

describe('a limit of Meta', () => {
  test('waits as long as the usage header says, in minutes', () => {
    const usage = {
      '17841': [
        { type: 'instagram', estimated_time_to_regain_access: 19 },
        { type: 'pages', estimated_time_to_regain_access: 3 },
      ],
      // Another business of the same app.
      '17842': [{ type: 'ads_management', estimated_time_to_regain_access: 1440 }],
    };
    const headers = { 'x-business-use-case-usage': JSON.stringify(usage), 'retry-after': '7' };
    const error = errorOf(INSTAGRAM, 'write', bodyOf('80002'), { headers });
    expect(error).toMatchObject({ kind: 'quota', retryAfterMs: 19 * 60 * SECOND, percent: null });
    expect(error.init.retryTold).toBe(true);
  });

  test('keeps the percent of the usage headers, and tells our own wait from the platform’s', () => {
    const headers = { 'x-app-usage': '{"call_count":28,"total_time":104,"total_cputime":25}' };
    const error = errorOf(INSTAGRAM, 'read', bodyOf('4'), { headers });
    expect(error).toMatchObject({ kind: 'quota', retryAfterMs: HOUR, percent: 104 });
    expect(error.init.retryTold).toBeUndefined();
  });

  test('on posts has no time in a header about calls', () => {
    const headers = { 'retry-after': '7' };
    const error = errorOf(INSTAGRAM, 'publish', bodyOf('9/2207042'), { headers });
    expect(error).toMatchObject({ code: 'publish_limit_reached' });
    expect(error.init.retryTold).toBeUndefined();
  });

  test('waits as long as Retry-After says', () => {
    const headers = { 'retry-after': '7' };
    expect(errorOf(THREADS, 'write', bodyOf('613'), { headers }).retryAfterMs).toBe(7 * SECOND);
  });

  test('without a known code counts by its status', () => {
    expect(errorOf(THREADS, 'write', 'slow down', { status: 429 })).toMatchObject({
      kind: 'quota',
      code: 'rate_limited',
      retryAfterMs: HOUR,
    });
  });
});

describe('a missing answer', () => {
  test.each<[Effect, boolean, ProviderErrorKind]>([
    ['read', true, 'unavailable'],
    ['write', true, 'unknown'],
    ['publish', true, 'unknown'],
    ['write', false, 'unavailable'],
    ['publish', false, 'unavailable'],
  ])('to a %s, sent: %s, is %s', (effect, sent, kind) => {
    expect(lostAnswer(THREADS, new HttpFailure(sent, 'ECONNRESET'), effect)).toMatchObject({ kind });
  });

  test('is never made from our own errors', () => {
    const error = new TypeError('ours');
    expect(lostAnswer(THREADS, error, 'read')).toBe(error);
  });
});
