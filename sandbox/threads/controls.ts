import { Type, type Static } from 'typebox';
import { Changes, control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { Mismatch, parse } from '../core/json.ts';
import { CallbackForgery, callbackView, isCallback } from '../meta/callbacks.ts';
import { graphId } from '../meta/ids.ts';
import { NullableString } from '../core/options.ts';
import { checkApp } from './app.ts';
import { profileByName, type Threads } from './context.ts';
import { changeOptions } from './options.ts';
import { postControls } from './post-controls.ts';
import { readingControls } from './reading-controls.ts';
import { containerView, countPublishes } from './report.ts';
import { ProfileSpec, type Profile } from './state.ts';
import { removeApp, sendCallback, sendEvent } from './webhooks.ts';

const closed = { additionalProperties: false };
const nullable = Type.Optional(NullableString);
const AppChanges = Type.Object(
  {
    appSecret: Type.Optional(Type.String()),
    metaSecret: nullable,
    redirectUris: Type.Optional(Type.Array(Type.String())),
    webhookUrl: nullable,
    verifyToken: nullable,
    deauthorizeUrl: nullable,
    dataDeletionUrl: nullable,
    scopes: Type.Optional(Type.Array(Type.String())),
    /** The subscribed topics' fields. */
    fields: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);
const username = Type.Optional(Type.String());
const Holder = Type.Object({ username }, closed);
const Invalidate = Type.Object({ username, subcode: Type.Integer({ default: 460 }) }, closed);
const FailNext = Type.Object(
  { message: Type.String({ default: 'UNKNOWN' }), times: Type.Integer({ minimum: 0, default: 1 }) },
  closed,
);
const Forged = Type.Object({ username, ...CallbackForgery.properties }, closed);
const Send = Type.Object(
  {
    field: Type.String(),
    targetId: Type.String(),
    value: Type.Record(Type.String(), Type.Unknown()),
    topic: Type.Optional(Type.String()),
    secret: Type.Optional(Type.String()),
    time: Type.Optional(Type.Integer()),
  },
  closed,
);

/** Adds a profile, or changes the one with this name. */
export function putProfile(threads: Threads, spec: Static<typeof ProfileSpec>): Profile {
  const existing = profileByName(threads, spec.username);
  if (existing !== undefined) return Object.assign(existing, spec);
  const profile = { ...spec, id: graphId('1784') };
  threads.state.profiles.push(profile);
  return profile;
}

export function threadsControls(threads: Threads): Route[] {
  const { app, core, options, state } = threads;

  function idOf(name: string | undefined): string {
    const profile = profileByName(threads, name);
    if (profile === undefined) throw new Mismatch(`no profile ${name}`);
    return profile.id;
  }

  function tokensOf(name: string | undefined) {
    const userId = idOf(name);
    return Object.values(state.tokens).filter((held) => held.userId === userId);
  }

  const deliveries = () => core.webhooks.deliveries.filter(({ provider }) => provider === 'threads');

  return [
    control('GET', '/threads/options', Nothing, () => options),
    control('POST', '/threads/options', Changes, (changes) => changeOptions(options, changes)),
    control('POST', '/threads/app', AppChanges, ({ fields, ...changes }) => {
      checkApp({ ...app, ...changes });
      state.appFields = fields ?? state.appFields;
      return Object.assign(app, changes);
    }),
    control('GET', '/threads/profiles', Nothing, () => state.profiles),
    control('POST', '/threads/profiles', Changes, (changes) => {
      const { id: _id, ...known } = profileByName(threads, String(changes['username'])) ?? { id: '' };
      return putProfile(threads, parse(ProfileSpec, { ...known, ...changes }));
    }),
    control('GET', '/threads/publishes', Nothing, (_body, { url }) => {
      const wanted = url.searchParams.get('userId');
      const mine = Object.values(state.containers).filter(
        ({ userId }) => wanted === null || userId === wanted,
      );
      return mine.map((container) => containerView(threads, container));
    }),
    control('GET', '/threads/count', Nothing, (_body, { url }) => countPublishes(threads, url.searchParams)),
    control('POST', '/threads/fail-next', FailNext, ({ message, times }) => {
      if (times === 0) state.failNext = [];
      state.failNext.push(...Array<string>(times).fill(message));
      return state.failNext;
    }),
    ...postControls(threads),
    ...readingControls(threads),
    control('POST', '/threads/revoke', Holder, ({ username: name }) => removeApp(threads, idOf(name), true)),
    control('POST', '/threads/invalidate', Invalidate, ({ username: name, subcode }) => {
      for (const held of tokensOf(name)) held.dead = subcode;
    }),
    control('POST', '/threads/expire-tokens', Holder, ({ username: name }) => {
      for (const held of tokensOf(name)) held.expiresAt = core.clock.now();
    }),
    control('POST', '/threads/deauthorize', Forged, ({ username: name, ...forgery }) =>
      sendCallback(threads, 'deauthorize', idOf(name), forgery),
    ),
    control('POST', '/threads/data-deletion', Forged, ({ username: name, ...forgery }) =>
      sendCallback(threads, 'data_deletion', idOf(name), forgery),
    ),
    control('GET', '/threads/callbacks', Nothing, () => deliveries().filter(isCallback).map(callbackView)),
    control('GET', '/threads/deliveries', Nothing, deliveries),
    control('POST', '/threads/webhooks/verify', Nothing, async () => {
      state.verifiedUrl = null;
      return { problem: app.webhookUrl === null ? 'no webhook URL' : await threads.verify(app.webhookUrl) };
    }),
    control('POST', '/threads/webhooks/send', Send, ({ field, targetId, value, ...forgery }) =>
      sendEvent(threads, field, targetId, value, forgery),
    ),
  ];
}
