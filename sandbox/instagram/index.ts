import { Type, type Static } from 'typebox';
import type { Core, FakeProvider } from '../core/core.ts';
import type { Reply, Route } from '../core/http.ts';
import { parse } from '../core/json.ts';
import { graphErrorReply } from '../meta/errors.ts';
import { createVerify } from '../meta/handshake.ts';
import { createPuller } from '../meta/pull.ts';
import { createAccess, tokenAccount } from './access.ts';
import { registerStories } from './stories.ts';
import { checkApp, type App } from './app.ts';
import { commentRoutes } from './comments.ts';
import { containerRoutes } from './containers.ts';
import type { Instagram } from './context.ts';
import { instagramControls } from './controls.ts';
import { debugRoutes } from './debug.ts';
import { dialogRoutes } from './dialog.ts';
import { discoveryRoutes } from './discovery.ts';
import { FIELDS } from './events.ts';
import { HOSTS } from './graph.ts';
import { insightRoutes } from './insights.ts';
import { likeRoutes } from './likes.ts';
import { limitRoutes } from './limits.ts';
import { listRoutes } from './lists.ts';
import { loginTokenRoutes } from './login-token.ts';
import { loginRoutes } from './login.ts';
import { nodeRoutes } from './node-routes.ts';
import { changeOptions, Options } from './options.ts';
import { putAccount, putPage } from './people-controls.ts';
import { AccountSpec, PageSpec } from './people.ts';
import { registerProcessing } from './processing.ts';
import { publishRoutes } from './publish.ts';
import { countPublishes } from './report.ts';
import { InstagramState } from './state.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { tokenRoutes } from './token.ts';
import { uploadRoutes } from './upload.ts';
import { sender } from './webhooks.ts';

type Required = 'appId' | 'appSecret' | 'redirectUris';
export interface InstagramSetup extends Pick<App, Required>, Partial<Omit<App, Required>> {
  options?: Partial<Options>;
}

const SavedOptions = Type.Object({ options: Options });

export function createInstagram(core: Core, setup: InstagramSetup): FakeProvider {
  const instagram = openState(core, setup);
  checkApp(instagram.app);
  if (instagram.state.accounts.length === 0) {
    const username = 'sandbox_creator';
    putAccount(instagram, parse(AccountSpec, { username, name: 'Sandbox Creator' }));
    putPage(instagram, parse(PageSpec, { name: 'Sandbox Page', user: username, instagram: username }));
  }
  core.webhooks.sendWith('instagram', sender(instagram));
  registerProcessing(instagram);
  registerStories(instagram);
  const access = createAccess(instagram);
  const routes: Route[] = [
    ...dialogRoutes(instagram),
    ...loginRoutes(instagram),
    ...tokenRoutes(instagram),
    ...loginTokenRoutes(instagram),
    ...debugRoutes(instagram),
    ...discoveryRoutes(instagram, access),
    ...containerRoutes(instagram, access),
    ...publishRoutes(instagram, access),
    ...limitRoutes(instagram, access),
    ...uploadRoutes(instagram, access),
    ...listRoutes(instagram, access),
    ...commentRoutes(instagram, access),
    ...likeRoutes(instagram, access),
    ...insightRoutes(instagram, access),
    ...subscriptionRoutes(instagram, access),
    ...nodeRoutes(instagram, access),
    ...unknownPaths(),
  ];
  return {
    name: 'instagram',
    routes: routes.map((route) => ({ ...route, account: (call) => tokenAccount(instagram, call) })),
    controls: instagramControls(instagram),
    summary: () => ({
      app: instagram.app,
      options: instagram.options,
      users: instagram.state.users,
      pages: instagram.state.pages,
      accounts: instagram.state.accounts,
      grants: instagram.state.grants,
      count: countPublishes(instagram, new URLSearchParams()),
    }),
    close: () => instagram.puller.close(),
  };
}

function unknownPath(): Reply {
  return graphErrorReply({ code: 2_500, message: 'Unknown path components' });
}

function unknownPaths(): Route[] {
  const prefixes = [...Object.values(HOSTS), '/facebook', '/rupload', '/instagram-login', '/instagram-api'];
  return prefixes.map((prefix) => ({
    method: '*',
    path: `${prefix}/{rest*}`,
    endpoint: 'instagram.unknown',
    handle: unknownPath,
  }));
}

/** Settings given at this start win over those that were saved. */
function openState(core: Core, { options: chosen, ...app }: InstagramSetup): Instagram {
  const empty: Static<typeof InstagramState> = {
    users: [],
    pages: [],
    accounts: [],
    codes: {},
    tokens: {},
    grants: {},
    containers: {},
    publishes: [],
    media: [],
    comments: [],
    removedMedia: [],
    removedComments: [],
    restrictedPeople: [],
    listFaults: [],
    refusedMetrics: [],
    accountDays: {},
    demographics: {},
    usage: {},
    failNext: [],
    appFields: FIELDS,
    verifiedUrl: null,
  };
  const saved = core.store.section('instagram.options', SavedOptions, { options: parse(Options, {}) });
  changeOptions(saved.options, { ...chosen });
  const nothing = { loginAppId: null, loginAppSecret: null, webhookUrl: null, verifyToken: null };
  const known: App = { ...nothing, deauthorizeUrl: null, dataDeletionUrl: null, ...app };
  const state = core.store.section('instagram', InstagramState, empty);
  return {
    core,
    app: known,
    options: saved.options,
    state,
    verify: createVerify(core, known, state),
    puller: createPuller(core.closing),
  };
}
