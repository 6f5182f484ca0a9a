import { Type } from 'typebox';
import { Changes, control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { mediaControls } from '../core/media.ts';
import { Mismatch, parse } from '../core/json.ts';
import { commentControls } from './comment-controls.ts';
import { CallbackForgery, callbackView, isCallback } from '../meta/callbacks.ts';
import { checkApp } from './app.ts';
import { sendCallback } from './callbacks.ts';
import { accountByName, type Instagram } from './context.ts';
import { eventControls } from './event-controls.ts';
import { removeApp } from './grants.ts';
import { ownMediaControls } from './media-controls.ts';
import { mediaKeeper } from './media-keeper.ts';
import { changeOptions } from './options.ts';
import { putAccount, putPage, putUser } from './people-controls.ts';
import { AccountSpec, PageSpec } from './people.ts';
import { readingControls } from './reading-controls.ts';
import { containerView, countPublishes } from './report.ts';
import { expireTokens, killTokens } from './tokens.ts';

const closed = { additionalProperties: false };
const nullableUrl = Type.Optional(Type.Union([Type.String(), Type.Null()]));
const AppChanges = Type.Object(
  {
    appSecret: Type.Optional(Type.String()),
    redirectUris: Type.Optional(Type.Array(Type.String())),
    webhookUrl: nullableUrl,
    verifyToken: nullableUrl,
    deauthorizeUrl: nullableUrl,
    dataDeletionUrl: nullableUrl,
    scopes: Type.Optional(Type.Array(Type.String())),
    loginScopes: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);
/** A Facebook user by name, or an account of Instagram Login by username. */
const Holder = Type.Object(
  { user: Type.Optional(Type.String()), account: Type.Optional(Type.String()) },
  closed,
);
const Invalidate = Type.Object({ ...Holder.properties, subcode: Type.Integer({ default: 460 }) }, closed);
const FailNext = Type.Object(
  { subcode: Type.String({ default: '2207082' }), times: Type.Integer({ minimum: 0, default: 1 }) },
  closed,
);
const Forged = Type.Object({ ...Holder.properties, ...CallbackForgery.properties }, closed);

export function instagramControls(instagram: Instagram): Route[] {
  const { app, core, options, state } = instagram;

  function holderOf({ user, account }: { user?: string | undefined; account?: string | undefined }): string {
    const found =
      account === undefined
        ? state.users.find(({ name }) => name === (user ?? 'sandbox_creator'))
        : accountByName(instagram, account);
    if (found === undefined) throw new Mismatch(`nobody is called ${account ?? user}`);
    return found.id;
  }

  const callbacks = () =>
    core.webhooks.deliveries.filter(({ provider }) => provider === 'instagram').filter(isCallback);

  return [
    control('GET', '/instagram/options', Nothing, () => options),
    control('POST', '/instagram/options', Changes, (changes) => changeOptions(options, changes)),
    control('POST', '/instagram/app', AppChanges, (changes) => {
      checkApp({ ...app, ...changes });
      return Object.assign(app, changes);
    }),
    control('GET', '/instagram/users', Nothing, () => state.users),
    control(
      'POST',
      '/instagram/users',
      Type.Object({ name: Type.String({ minLength: 1 }) }, closed),
      ({ name }) => putUser(instagram, name),
    ),
    control('GET', '/instagram/pages', Nothing, () => state.pages),
    control('POST', '/instagram/pages', PageSpec, (spec) => putPage(instagram, spec)),
    control('GET', '/instagram/accounts', Nothing, () => state.accounts),
    control('POST', '/instagram/accounts', Changes, (changes) => {
      const existing = accountByName(instagram, String(changes['username']));
      const known = Object.fromEntries(
        Object.entries(existing ?? {}).filter(([name]) => name in AccountSpec.properties),
      );
      return putAccount(instagram, parse(AccountSpec, { ...known, ...changes }));
    }),
    control('GET', '/instagram/publishes', Nothing, (_body, { url }) => {
      const wanted = url.searchParams.get('accountId');
      const all = Object.values(state.containers);
      const mine = all.filter(({ accountId }) => wanted === null || accountId === wanted);
      return mine.map((container) => containerView(instagram, container));
    }),
    control('GET', '/instagram/count', Nothing, (_body, { url }) =>
      countPublishes(instagram, url.searchParams),
    ),
    control('POST', '/instagram/fail-next', FailNext, ({ subcode, times }) => {
      if (times === 0) state.failNext = [];
      state.failNext.push(...Array<string>(times).fill(subcode));
      return state.failNext;
    }),
    control('POST', '/instagram/revoke', Holder, (holder) => removeApp(instagram, holderOf(holder), true)),
    control('POST', '/instagram/invalidate', Invalidate, ({ subcode, ...holder }) => ({
      killed: killTokens(instagram, holderOf(holder), subcode),
    })),
    control('POST', '/instagram/expire-tokens', Holder, (holder) => ({
      expired: expireTokens(instagram, holderOf(holder)),
    })),
    control('POST', '/instagram/deauthorize', Forged, ({ user, account, ...forgery }) =>
      sendCallback(instagram, 'deauthorize', holderOf({ user, account }), forgery),
    ),
    control('POST', '/instagram/data-deletion', Forged, ({ user, account, ...forgery }) =>
      sendCallback(instagram, 'data_deletion', holderOf({ user, account }), forgery),
    ),
    control('GET', '/instagram/callbacks', Nothing, () => callbacks().map(callbackView)),
    control('GET', '/instagram/deliveries', Nothing, () =>
      core.webhooks.deliveries.filter(({ provider }) => provider === 'instagram'),
    ),
    control('POST', '/instagram/webhooks/verify', Nothing, async () => {
      state.verifiedUrl = null;
      return {
        problem: app.webhookUrl === null ? 'no webhook URL' : await instagram.verify(app.webhookUrl),
      };
    }),
    ...ownMediaControls(instagram),
    ...mediaControls('instagram', mediaKeeper(instagram)),
    ...commentControls(instagram),
    ...readingControls(instagram),
    ...eventControls(instagram),
  ];
}
