import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Plan } from '../../../plan.ts';
import { type CatalogueRow, ProviderError, rowNamed } from '../../../providers/errors.ts';
import { type HttpAnswer, HttpFailure, http } from '../../../providers/http.ts';
import { counter, record, records, text, tryParse } from '../../../providers/json.ts';
import { measured } from '../../../providers/measured.ts';
import type { OAuth } from '../../../providers/oauth.ts';
import type { Permissions } from '../../../providers/permissions.ts';
import type { Provider } from '../../../providers/provider.ts';
import type {
  Chunk,
  Delivery,
  PostContext,
  PostPublishing,
  Publishing,
  Transfer,
} from '../../../providers/publishing.ts';
import type { Quota } from '../../../providers/quotas.ts';
import type { Reading, Stream } from '../../../providers/reading.ts';
import type { Item } from '../../../reading.ts';

/* Speaks to the platform of fake.ts. It needs what no platform of the product needs yet. */

export interface MosaicSettings {
  clientId: string;
  clientSecret: string;
  redirectUri: string;
  url: string;
  /** What the app may spend a day, for all its accounts. */
  units: number;
}

/** The stored request. */
export const PairRequest = Type.Object({
  format: Type.Literal('PAIR'),
  files: Type.Array(Type.Object({ mediaId: Type.String() }), { minItems: 2, maxItems: 2 }),
  text: Type.String(),
});

const DAY_MS = 86_400_000;

const permissions: Permissions = {
  asked: ['profile', 'pair.write'],
  required: [['profile'], ['pair.write']],
  capabilities: { publish: ['pair.write'] },
  words: { profile: 'see your name', 'pair.write': 'publish pairs' },
  setting: 'MOSAIC_SCOPES',
};

const again = (what: string): string => `Mosaic ${what}. Everpost will try again.`;

export const ERROR_CODES: Readonly<Record<string, CatalogueRow>> = {
  token: { kind: 'token', userMessage: 'Mosaic no longer accepts the connection. Reconnect the account.' },
  scope: { kind: 'account', userMessage: 'The account has not granted the permission. Reconnect it.' },
  post_cap: {
    kind: 'quota',
    quota: 'posts',
    userMessage: 'The account has reached Mosaic’s limit for today.',
  },
  app_units: { kind: 'quota', quota: 'units', userMessage: 'This app has reached Mosaic’s limit for today.' },
};

/** @param effect whether an unclear answer may have published something */
function refusal(answer: HttpAnswer, effect: 'read' | 'write'): ProviderError {
  const code = text(record(record(tryParse(answer.text))?.['error'])?.['code']);
  const row = code === null ? undefined : rowNamed(ERROR_CODES, code);
  const said = { provider: 'mosaic', providerCode: code, message: `Mosaic answered ${answer.status}` };
  if (row !== undefined) return new ProviderError({ ...said, ...row, code: code ?? 'refused' });
  if (answer.status >= 400 && answer.status < 500 && code !== null)
    return new ProviderError({
      ...said,
      kind: 'rejected',
      code: 'mosaic_rejected',
      userMessage: 'Mosaic rejected the post.',
    });
  return unclear(effect, said.message);
}

function unclear(effect: 'read' | 'write', message: string): ProviderError {
  return new ProviderError({
    provider: 'mosaic',
    kind: effect === 'write' ? 'unknown' : 'unavailable',
    code: effect === 'write' ? 'outcome_unknown' : 'provider_unavailable',
    lost: true,
    message,
    userMessage: again('does not answer properly'),
  });
}

interface ApiCall {
  method: 'GET' | 'POST';
  path: string;
  body?: object;
  form?: Record<string, string>;
  accessToken?: string;
  signal: AbortSignal;
  effect: 'read' | 'write';
}

async function call(
  { url }: MosaicSettings,
  { method, path, body, form, accessToken, signal, effect }: ApiCall,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await http({
    method,
    url: url + path,
    headers: {
      'content-type': form === undefined ? 'application/json' : 'application/x-www-form-urlencoded',
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
    signal,
  }).catch((error: unknown) => {
    throw error instanceof HttpFailure ? unclear(error.sent ? effect : 'read', error.message) : error;
  });
  const said = record(tryParse(answer.text));
  if (answer.status !== 200 || said === null) throw refusal(answer, effect);
  return said;
}

function createOAuth(settings: MosaicSettings): OAuth {
  const { url, clientId, clientSecret, redirectUri } = settings;
  return {
    consentSources: [new URL(url).origin],
    authorizeUrl: ({ state }) =>
      `${url}/authorize?${new URLSearchParams({ client_id: clientId, redirect_uri: redirectUri, state }).toString()}`,

    async exchangeCode(code, _codeVerifier, signal) {
      const form = { code, client_secret: clientSecret };
      const said = await call(settings, {
        method: 'POST',
        path: '/token',
        form,
        signal,
        effect: 'read',
      }).catch(asGrant);
      const user = record(said['user']);
      const scopes = (text(said['scope']) ?? '').split(' ').filter((scope) => scope !== '');
      const tokens = {
        accessToken: text(said['access_token']) ?? '',
        refreshToken: null,
        expiresIn: Number(said['expires_in']),
        refreshExpiresIn: null,
        scopes,
      };
      const username = text(user?.['username']);
      const grant = {
        openId: text(user?.['id']) ?? '',
        username,
        displayName: username,
        tokens,
        metadata: {},
      };
      return { scopes, grants: [grant] };
    },

    async revoke(token, signal) {
      await call(settings, { method: 'POST', path: '/revoke', form: { token }, signal, effect: 'read' });
    },
  };
}

function asGrant(error: unknown): never {
  if (!(error instanceof ProviderError) || error.kind !== 'rejected') throw error;
  throw new ProviderError({ ...error.init, kind: 'grant', code: 'grant_refused' });
}

/** A file is cut into two parts. */
const halves = (size: number): Chunk[] => {
  const middle = Math.ceil(size / 2);
  return size < 2
    ? [{ first: 0, last: size - 1 }]
    : [
        { first: 0, last: middle - 1 },
        { first: middle, last: size - 1 },
      ];
};

const transfer: Transfer = {
  needsToken: false,
  chunks: halves,

  sendChunk: ({ signal }, { size, secret }, { first, last, body }) =>
    measured('mosaic', 'upload', async () => {
      const answer = await http({
        method: 'PUT',
        url: secret,
        headers: {
          'content-length': String(last - first + 1),
          'content-range': `bytes ${first}-${last}/${size}`,
        },
        body,
        signal,
      }).catch((error: unknown): never => {
        throw error instanceof HttpFailure ? unclear('read', error.message) : error;
      });
      const said = record(tryParse(answer.text));
      if (answer.status === 404) return { kind: 'expired' };
      if (answer.status === 409) return { kind: 'out_of_step', bytes: Number(said?.['received']) };
      if (answer.status !== 200 && answer.status !== 201) throw refusal(answer, 'read');
      const { etag } = answer.headers;
      if (isSession(secret) && said === null) throw unclear('read', 'Mosaic answered nothing');
      if (!isSession(secret) && typeof etag !== 'string') throw unclear('read', 'Mosaic told no ETag');
      const reference = typeof etag === 'string' ? { reference: etag } : {};
      const id = text(said?.['id']);
      if (answer.status === 201 && id !== null) return { kind: 'complete', made: { partId: id } };
      return { kind: last === size - 1 && !isSession(secret) ? 'complete' : 'stored', ...reference };
    }),

  /** A session tells how far it is, and its id. Of parts nobody is told: what was not answered is sent again. */
  async received({ signal }, { secret, size }: Delivery) {
    if (!isSession(secret)) return null;
    const answer = await http({ method: 'GET', url: secret, signal }).catch((error: unknown): never => {
      throw error instanceof HttpFailure ? unclear('read', error.message) : error;
    });
    const said = record(tryParse(answer.text));
    if (answer.status === 404) return { bytes: 0 };
    if (answer.status !== 200 || said === null) throw refusal(answer, 'read');
    const id = text(said['id']);
    return id === null ? { bytes: Number(said['received']) } : { bytes: size, made: { partId: id } };
  },
};

const isSession = (place: string): boolean => new URL(place).pathname.includes('/session/');

const POSTS: Quota = { bucket: 'posts', limit: null, windowMs: DAY_MS, counts: 'shown' };

function createPublishing(settings: MosaicSettings): Publishing {
  const units = (cost: number): Quota => ({
    bucket: 'units',
    limit: settings.units,
    windowMs: DAY_MS,
    counts: 'calls',
    cost,
    scope: 'app',
  });
  return {
    quotas: [POSTS, units(1)],
    transfer,
    of: (request) => {
      if (!Value.Check(PairRequest, request)) throw new Error('this is no request of Mosaic');
      return postOf(settings, request, {
        first: [POSTS, units(1)],
        second: [units(1)],
        publish: [units(50)],
      });
    },
  };
}

function postOf(
  settings: MosaicSettings,
  { files, text: words }: Static<typeof PairRequest>,
  quotas: { first: readonly Quota[]; second: readonly Quota[]; publish: readonly Quota[] },
): PostPublishing {
  const [one = '', two = ''] = files.map(({ mediaId }) => mediaId);
  const plan: Plan = [
    { kind: 'write', name: 'parts', lost: 'repeat' },
    { kind: 'transfer', name: 'upload:1', of: 'parts', media: one },
    { kind: 'write', name: 'session', lost: 'repeat' },
    { kind: 'transfer', name: 'upload:2', of: 'session', media: two },
    { kind: 'write', name: 'publish', lost: 'reconcile', shows: true },
  ];

  async function place(
    kind: 'parts' | 'session',
    mediaId: string,
    { accessToken, files: facts, signal }: PostContext,
  ) {
    const body = { kind, size: facts[mediaId]?.size };
    const said = await call(settings, {
      method: 'POST',
      path: '/places',
      body,
      accessToken,
      signal,
      effect: 'write',
    });
    const secret = text(said['place']);
    const id = text(said['id']);
    if (secret === null) throw unclear('write', 'Mosaic told no place');
    return { secret, logId: null, ...(id === null ? {} : { partId: id }) };
  }

  async function publish({ accessToken, made, parts, signal }: PostContext) {
    const body = { assets: [made['parts'], made['session']], etags: parts['parts'], text: words };
    const said = await call(settings, {
      method: 'POST',
      path: '/posts',
      body,
      accessToken,
      signal,
      effect: 'write',
    });
    const id = text(said['id']);
    if (id === null) throw unclear('write', 'Mosaic told no id');
    return { publishId: id, providerPostId: id, logId: null };
  }

  return {
    kind: 'a pair',
    plan,
    needs: { scopes: ['pair.write'] },
    quotasOf: (step) =>
      step === 'parts'
        ? quotas.first
        : step === 'session'
          ? quotas.second
          : step === 'publish'
            ? quotas.publish
            : [],
    preflight: async () => [],
    write(step, context) {
      if (step === 'parts') return place('parts', one, context);
      return step === 'session' ? place('session', two, context) : publish(context);
    },
    async lookUp(_step, { accessToken, made, signal }) {
      const path = `/posts?asset=${made['session']}`;
      const id = text(
        (await call(settings, { method: 'GET', path, accessToken, signal, effect: 'read' }))['id'],
      );
      if (id === null) return { kind: 'nothing' };
      return { kind: 'happened', written: { publishId: id, providerPostId: id, logId: null } };
    },
    verdict: () => Promise.reject(new Error('a plan of Mosaic awaits nothing')),
    permalink: (_username, id) => `${settings.url}/live/${id}`,
  };
}

/** The list of all items, oldest first and without pages; nothing proves that one is gone. */
function createReading(settings: MosaicSettings): Reading {
  const media: Stream = {
    name: 'media',
    of: 'account',
    holds: 'media',
    scopes: ['pair.write'],
    bucket: { name: 'reads', window: 60_000, most: 1000 },
    pageSize: 1000,
    order: 'oldest_first',
    absence: 'none',
    cadence: { kind: 'list', young: DAY_MS, often: DAY_MS / 96, rest: DAY_MS / 24, most: DAY_MS / 2 },
    fullEvery: DAY_MS,
  };
  return {
    streams: [media],
    unsupported: {},
    async read(_stream, _question, { accessToken, signal }) {
      const said = await call(settings, {
        method: 'GET',
        path: '/items',
        accessToken,
        signal,
        effect: 'read',
      });
      return { items: records(said['items']).flatMap(itemOf), next: null, calls: 1, usage: null };
    },
  };
}

function itemOf(row: Readonly<Record<string, unknown>>): Item[] {
  const id = text(row['id']);
  const at = new Date(Number(row['made']));
  const likes = counter(row['likes']);
  if (id === null) return [];
  const values = { text: text(row['text']), made: at, likes };
  return [{ id, at, values, ...(likes === null ? {} : { metrics: { likes } }), raw: row }];
}

/** The provider, by the settings of the operator's app. */
export function createMosaic(settings: MosaicSettings): Provider {
  return {
    name: 'mosaic',
    title: 'Mosaic',
    permissions,
    oauth: createOAuth(settings),
    publishing: createPublishing(settings),
    reading: createReading(settings),
  };
}
