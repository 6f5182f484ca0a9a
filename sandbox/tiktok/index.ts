import { Type, type Static } from 'typebox';
import type { Core, FakeProvider } from '../core/core.ts';
import type { Route } from '../core/http.ts';
import { parse } from '../core/json.ts';
import { accountOf, createAccess } from './access.ts';
import { checkRedirectUris } from './app.ts';
import { authorizeRoutes } from './authorize.ts';
import type { TikTok } from './context.ts';
import { putCreator, tiktokControls } from './controls.ts';
import { creatorInfoRoutes } from './creator-info.ts';
import { displayRoutes } from './display.ts';
import { signer } from './events.ts';
import { initRoutes } from './init.ts';
import { registerLifecycle } from './lifecycle.ts';
import { changeOptions, Options } from './options.ts';
import { registerPull } from './pull.ts';
import { countPublishes } from './report.ts';
import { CreatorSpec, TikTokState } from './state.ts';
import { statusRoutes } from './status.ts';
import { tokenRoutes } from './token.ts';
import { uploadRoutes } from './upload.ts';

export interface TikTokSetup {
  clientKey: string;
  clientSecret: string;
  redirectUris: string[];
  webhookUrl?: string;
  options?: Partial<Options>;
}

const unsupportedPath = { status: 404, body: 'Unsupported path(Janus)' };
const SavedOptions = Type.Object({ options: Options });

export function createTikTok(core: Core, setup: TikTokSetup): FakeProvider {
  checkRedirectUris(setup.redirectUris);
  const tiktok = openState(core, setup);
  if (tiktok.state.creators.length === 0) {
    putCreator(tiktok, parse(CreatorSpec, { username: 'sandbox_creator', displayName: 'Sandbox Creator' }));
  }
  core.webhooks.sendWith('tiktok', { headers: signer(tiktok) });
  registerLifecycle(tiktok);
  const close = registerPull(tiktok);
  const access = createAccess(tiktok);
  const routes: Route[] = [
    ...authorizeRoutes(tiktok),
    ...tokenRoutes(tiktok),
    ...displayRoutes(tiktok, access),
    ...creatorInfoRoutes(tiktok, access),
    ...initRoutes(tiktok, access),
    ...statusRoutes(tiktok, access),
    ...uploadRoutes(tiktok),
    // tiktok-facts 1.2: a missing slash and a wrong verb have the same answer.
    { method: '*', path: '/{rest*}', endpoint: 'unknown', handle: () => unsupportedPath },
  ];
  return {
    name: 'tiktok',
    routes: routes.map((route) => ({ ...route, account: (call) => accountOf(tiktok, call) })),
    controls: tiktokControls(tiktok),
    summary: () => ({
      app: tiktok.app,
      options: tiktok.options,
      creators: tiktok.state.creators,
      grants: tiktok.state.grants,
      count: countPublishes(tiktok, new URLSearchParams()),
    }),
    close,
  };
}

/** Settings given at this start win over those that were saved. */
function openState(core: Core, setup: TikTokSetup): TikTok {
  const empty: Static<typeof TikTokState> = {
    creators: [],
    codes: {},
    accessTokens: {},
    refreshTokens: {},
    grants: {},
    publishes: {},
    videos: [],
    pagePlays: [],
    failNext: [],
  };
  const saved = core.store.section('tiktok.options', SavedOptions, { options: parse(Options, {}) });
  changeOptions(saved.options, { ...setup.options });
  const { clientKey, clientSecret, redirectUris, webhookUrl = null } = setup;
  return {
    core,
    app: { clientKey, clientSecret, redirectUris, webhookUrl },
    options: saved.options,
    state: core.store.section('tiktok', TikTokState, empty),
  };
}
