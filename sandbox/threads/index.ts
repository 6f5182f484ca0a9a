import { Type, type Static } from 'typebox';
import type { Core, FakeProvider } from '../core/core.ts';
import type { Reply, Route } from '../core/http.ts';
import { parse } from '../core/json.ts';
import { mediaControls } from '../core/media.ts';
import { graphErrorReply } from '../meta/errors.ts';
import { createVerify } from '../meta/handshake.ts';
import { createPuller } from '../meta/pull.ts';
import { accountOf, createAccess } from './access.ts';
import { checkApp, type App } from './app.ts';
import { authorizeRoutes } from './authorize.ts';
import { containerRoutes } from './containers.ts';
import type { Threads } from './context.ts';
import { putProfile, threadsControls } from './controls.ts';
import { debugRoutes } from './debug.ts';
import { FIELDS } from './events.ts';
import { insightRoutes } from './insights.ts';
import { listRoutes } from './lists.ts';
import { mediaKeeper } from './media.ts';
import { moderationRoutes } from './moderation.ts';
import { changeOptions, Options } from './options.ts';
import { registerProcessing } from './processing.ts';
import { publishRoutes } from './publish.ts';
import { quotaRoutes } from './quotas.ts';
import { readRoutes } from './reads.ts';
import { countPublishes } from './report.ts';
import { ProfileSpec, ThreadsState } from './state.ts';
import { tokenRoutes } from './token.ts';
import { sender } from './webhooks.ts';

type Required = 'appId' | 'appSecret' | 'redirectUris';
export interface ThreadsSetup extends Pick<App, Required>, Partial<Omit<App, Required>> {
  options?: Partial<Options>;
}

const SavedOptions = Type.Object({ options: Options });

export function createThreads(core: Core, setup: ThreadsSetup): FakeProvider {
  const threads = openState(core, setup);
  checkApp(threads.app);
  if (threads.state.profiles.length === 0) {
    putProfile(threads, parse(ProfileSpec, { username: 'sandbox_creator', name: 'Sandbox Creator' }));
  }
  core.webhooks.sendWith('threads', sender(threads));
  registerProcessing(threads);
  const access = createAccess(threads);
  const routes: Route[] = [
    ...authorizeRoutes(threads),
    ...tokenRoutes(threads),
    ...debugRoutes(threads, access),
    ...containerRoutes(threads, access),
    ...publishRoutes(threads, access),
    ...quotaRoutes(threads, access),
    ...readRoutes(threads, access),
    ...listRoutes(threads, access),
    ...moderationRoutes(threads, access),
    ...insightRoutes(threads, access),
    ...['/threads', '/threads-auth'].map((prefix) => ({
      method: '*',
      path: `${prefix}/{rest*}`,
      endpoint: 'threads.unknown',
      handle: unknownPath,
    })),
  ];
  return {
    name: 'threads',
    routes: routes.map((route) => ({ ...route, account: (call) => accountOf(threads, call) })),
    controls: [...threadsControls(threads), ...mediaControls('threads', mediaKeeper(threads))],
    summary: () => ({
      app: threads.app,
      options: threads.options,
      profiles: threads.state.profiles,
      grants: threads.state.grants,
      count: countPublishes(threads, new URLSearchParams()),
    }),
    close: () => threads.puller.close(),
  };
}

function unknownPath(): Reply {
  return graphErrorReply({ code: 2_500, message: 'Unknown path components', type: 'THApiException' });
}

/** Settings given at this start win over those that were saved. */
function openState(core: Core, { options: chosen, ...app }: ThreadsSetup): Threads {
  const empty: Static<typeof ThreadsState> = {
    profiles: [],
    codes: {},
    tokens: {},
    grants: {},
    containers: {},
    posts: [],
    numbers: {},
    demographics: {},
    listFaults: [],
    spent: [],
    failNext: [],
    appFields: FIELDS,
    verifiedUrl: null,
  };
  const saved = core.store.section('threads.options', SavedOptions, { options: parse(Options, {}) });
  changeOptions(saved.options, { ...chosen });
  const nothing = { metaSecret: null, webhookUrl: null, verifyToken: null, deauthorizeUrl: null };
  const known: App = { ...nothing, dataDeletionUrl: null, ...app };
  const state = core.store.section('threads', ThreadsState, empty);
  return {
    core,
    app: known,
    options: saved.options,
    state,
    verify: createVerify(core, known, state),
    puller: createPuller(core.closing),
  };
}
