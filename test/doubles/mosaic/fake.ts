import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import type { Core, FakeProvider } from '../../../sandbox/core/core.ts';
import { control, Nothing } from '../../../sandbox/core/control.ts';
import {
  bytesOf,
  type Call,
  isForm,
  json,
  redirect,
  Refusal,
  type Reply,
  type Route,
} from '../../../sandbox/core/http.ts';
import { token } from '../../../sandbox/core/ids.ts';
import { createItems } from './items.ts';

/*
 * A platform that does not exist, over real HTTP. It tells nothing by webhook, gives no refresh token, and makes a post of two
 * files: one whose parts it refers to by ETags, and one whose id comes with its last part.
 */

export interface MosaicSetup {
  clientId: string;
  clientSecret: string;
  redirectUri: string;
}

interface Token {
  openId: string;
  scopes: string[];
  expiresAt: number;
}

interface Place {
  id: string;
  kind: 'parts' | 'session';
  openId: string;
  size: number;
  /** By the position of its first byte. */
  parts: Map<number, { etag: string; bytes: Buffer }>;
}

interface Post {
  id: string;
  openId: string;
  text: string;
  assets: string[];
}

const HOUR_MS = 3_600_000;
const SCOPES = ['profile', 'pair.write'];
/** What a call costs, of what the app has for a day. */
const COSTS = { place: 1, post: 50 };

export function createMosaicFake(core: Core, setup: MosaicSetup): FakeProvider {
  const people = new Map<string, { openId: string; cap: number; removed: boolean }>();
  const codes = new Map<string, { openId: string; scopes: string[] }>();
  const tokens = new Map<string, Token>();
  const places = new Map<string, Place>();
  const posts: Post[] = [];
  let units = 1_000_000;
  let spent = 0;
  let made = 0;
  const items = createItems(core);
  const nextId = (kind: string): string => `${kind}-${(made += 1)}`;
  const personOf = (openId: string) => [...people.values()].find((one) => one.openId === openId);

  function add(username: string): { openId: string } {
    const known = people.get(username) ?? { openId: nextId('person'), cap: 1000, removed: false };
    people.set(username, known);
    return known;
  }

  function authorize({ url: { searchParams: query } }: Call): Reply {
    if (query.get('client_id') !== setup.clientId || query.get('redirect_uri') !== setup.redirectUri)
      refuse(400, 'unknown_app');
    const choice = core.consent.take('mosaic') ?? { decision: 'approve' as const };
    const target = new URL(setup.redirectUri);
    target.searchParams.set('state', query.get('state') ?? '');
    if (choice.decision === 'deny') target.searchParams.set('error', 'access_denied');
    else {
      const code = token('mc.');
      const person = add(choice.creator ?? 'sandbox_creator');
      codes.set(code, { openId: person.openId, scopes: choice.scopes ?? SCOPES });
      for (const one of people.values()) if (one.openId === person.openId) one.removed = false;
      target.searchParams.set('code', code);
    }
    return redirect(target);
  }

  /** An access token for 60 days, and nothing that renews it. */
  function exchange(call: Call): Reply {
    const form = new URLSearchParams(call.text);
    const right = isForm(call.headers) && form.get('client_secret') === setup.clientSecret;
    const code = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    if (!right || code === undefined) return refuse(400, 'bad_code');
    const accessToken = token('mt.');
    tokens.set(accessToken, { ...code, expiresAt: core.clock.now() + 60 * 24 * HOUR_MS });
    const username = [...people].find(([, { openId }]) => openId === code.openId)?.[0];
    const body = { access_token: accessToken, expires_in: 60 * 86_400, scope: code.scopes.join(' ') };
    return json(200, JSON.stringify({ ...body, user: { id: code.openId, username } }));
  }

  function revoke(call: Call): Reply {
    tokens.delete(new URLSearchParams(call.text).get('token') ?? '');
    return json(200, '{}');
  }

  function holderOf({ headers }: Call): string {
    const held = tokens.get(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '');
    const dead = held === undefined || held.expiresAt <= core.clock.now();
    if (dead || personOf(held.openId)?.removed !== false) return refuse(401, 'token');
    if (!held.scopes.includes('pair.write')) refuse(403, 'scope');
    return held.openId;
  }

  function spend(cost: number): void {
    if (spent + cost > units) refuse(429, 'app_units');
    spent += cost;
  }

  function makePlace(call: Call): Reply {
    const openId = holderOf(call);
    const { size, kind } = JSON.parse(call.text);
    spend(COSTS.place);
    const key = token('mp.');
    const place: Place = { id: nextId('asset'), kind, openId, size, parts: new Map() };
    places.set(key, place);
    const { host } = call.headers;
    const answer = { place: `http://${host}/mosaic/places/${kind}/${key}` };
    // The id of the other kind comes with its last part.
    return json(200, JSON.stringify(kind === 'parts' ? { ...answer, id: place.id } : answer));
  }

  const received = ({ parts }: Place): number => {
    let end = 0;
    for (const [first, { bytes }] of [...parts].toSorted(([a], [b]) => a - b))
      if (first === end) end += bytes.length;
    return end;
  };
  const isWhole = (place: Place): boolean => received(place) === place.size;
  const placeOf = ({ params }: Call): Place => places.get(params['key'] ?? '') ?? refuse(404, 'gone');

  async function takePart(call: Call): Promise<Reply> {
    const place = placeOf(call);
    const [, first, last, size] =
      /^bytes (\d+)-(\d+)\/(\d+)$/.exec(call.headers['content-range'] ?? '') ?? [];
    const chunks: Buffer[] = [];
    for await (const chunk of bytesOf(call.incoming)) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    if (Number(size) !== place.size || bytes.length !== Number(last) - Number(first) + 1)
      refuse(400, 'range');
    if (Number(first) > received(place))
      return json(409, JSON.stringify({ error: { code: 'out_of_step' }, received: received(place) }));
    const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
    place.parts.set(Number(first), { etag, bytes });
    if (place.kind === 'parts') return { status: 200, headers: { etag }, body: '' };
    return json(isWhole(place) ? 201 : 200, JSON.stringify(isWhole(place) ? { id: place.id } : {}));
  }

  /** How far a session is; of parts nobody is told. */
  function tellPlace(call: Call): Reply {
    const place = placeOf(call);
    if (place.kind === 'parts') return refuse(405, 'not_told');
    const end = { received: received(place), ...(isWhole(place) ? { id: place.id } : {}) };
    return json(200, JSON.stringify(end));
  }

  function assetOf(openId: string, id: string): Place {
    const place = [...places.values()].find((one) => one.id === id && one.openId === openId);
    return place !== undefined && isWhole(place) ? place : refuse(422, 'no_asset');
  }

  function makePost(call: Call): Reply {
    const openId = holderOf(call);
    const { assets, etags, text } = JSON.parse(call.text);
    const [first, second] = assets.map((id: string) => assetOf(openId, id));
    if (first?.kind !== 'parts' || second?.kind !== 'session') refuse(422, 'no_pair');
    const wanted = [...first.parts].toSorted(([a], [b]) => a - b).map(([, { etag }]) => etag);
    if (JSON.stringify(etags) !== JSON.stringify(wanted)) refuse(422, 'wrong_etags');
    if (posts.filter((post) => post.openId === openId).length >= (personOf(openId)?.cap ?? 0))
      refuse(429, 'post_cap');
    spend(COSTS.post);
    const post = { id: nextId('post'), openId, text, assets };
    posts.push(post);
    return json(200, JSON.stringify({ id: post.id }));
  }

  function findPost(call: Call): Reply {
    holderOf(call);
    const asset = call.url.searchParams.get('asset') ?? '';
    const post = posts.find(({ assets }) => assets.includes(asset));
    return json(200, JSON.stringify({ id: post?.id ?? null }));
  }

  const shaOf = (id: string): string | null => {
    const place = [...places.values()].find((one) => one.id === id);
    if (place === undefined) return null;
    const parts = [...place.parts].toSorted(([a], [b]) => a - b).map(([, { bytes }]) => bytes);
    return createHash('sha256').update(Buffer.concat(parts)).digest('hex');
  };

  const Person = Type.Object({ username: Type.String(), cap: Type.Optional(Type.Integer()) });
  return {
    name: 'mosaic',
    routes: [
      route('GET', '/authorize', 'authorize', authorize),
      route('POST', '/token', 'token', exchange),
      route('POST', '/revoke', 'revoke', revoke),
      route('POST', '/places', 'place', makePlace),
      route('PUT', '/places/{kind}/{key}', 'part', takePart, { streams: true }),
      route('GET', '/places/{kind}/{key}', 'ask', tellPlace),
      route('POST', '/posts', 'post', makePost),
      route('GET', '/posts', 'find', findPost),
      route('GET', '/items', 'items', items.list(holderOf)),
    ],
    controls: [
      ...items.controls,
      control('POST', '/mosaic/people', Person, ({ username, cap }) => {
        add(username);
        const person = people.get(username);
        if (person !== undefined && cap !== undefined) person.cap = cap;
      }),
      control('POST', '/mosaic/units', Type.Object({ units: Type.Integer() }), (body) => {
        ({ units } = body);
      }),
      control('POST', '/mosaic/expire-tokens', Type.Object({ openId: Type.String() }), ({ openId }) => {
        for (const held of tokens.values()) if (held.openId === openId) held.expiresAt = 0;
      }),
      control('POST', '/mosaic/remove-app', Type.Object({ username: Type.String() }), ({ username }) => {
        const person = people.get(username);
        if (person !== undefined) person.removed = true;
      }),
      control('POST', '/mosaic/options', Type.Record(Type.String(), Type.Unknown()), () => ({})),
      control('GET', '/mosaic/spent', Nothing, () => ({ spent })),
      control('GET', '/mosaic/made', Nothing, () =>
        posts.map(({ id, openId, text, assets }) => ({
          id,
          postIds: [id],
          openId,
          text,
          urls: [],
          live: true,
          refused: false,
          status: 'published',
          sha256s: assets.map(shaOf),
        })),
      ),
    ],
    summary: () => ({ posts: posts.length, spent }),
    close: async () => {},
  };
}

function errorBody(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } });
}

function refuse(status: number, code: string): never {
  throw new Refusal(json(status, errorBody(code, 'refused')));
}

const route = (
  method: string,
  path: string,
  endpoint: string,
  handle: Route['handle'],
  more = {},
): Route => ({
  method,
  path: `/mosaic${path}`,
  endpoint: `mosaic.${endpoint}`,
  errorBody,
  handle,
  ...more,
});
