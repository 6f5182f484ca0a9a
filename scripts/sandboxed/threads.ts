import { Type } from 'typebox';
import { metaArguments, metaReceived } from './meta.ts';
import { countLive, type SandboxedProvider } from './provider.ts';

export const threads = {
  name: 'threads',
  title: 'Threads',
  credentials: ['NEXT_PUBLIC_THREADS_APP_ID', 'THREADS_APP_ID', 'THREADS_APP_SECRET'],
  settings: /^(NEXT_PUBLIC_)?THREADS_/,
  sandboxArguments: (app) => metaArguments('threads', app),
  settingsFor: (app, sandboxUrl) => ({
    NEXT_PUBLIC_THREADS_APP_ID: app.clientKey,
    THREADS_APP_SECRET: app.clientSecret,
    NEXT_PUBLIC_THREADS_REDIRECT_URI: app.redirectUri,
    META_VERIFY_TOKEN: app.verifyToken,
    THREADS_AUTH_URL: `${sandboxUrl}/threads-auth`,
    THREADS_GRAPH_URL: `${sandboxUrl}/threads`,
  }),
  async addCreator(sandbox, username) {
    await sandbox.post('/_sandbox/threads/profiles', { username, name: 'Demo Creator' }, Type.Unknown());
  },
  publishPath: '/api/threads/publish',
  /** Threads fetches the file from us. */
  videoPost: (accountId, mediaId, text) => ({
    accountId,
    mediaType: 'VIDEO',
    mediaId,
    postInfo: { text },
    allowDuplicate: true,
  }),
  received: (sandbox, publishId) => metaReceived('threads', sandbox, publishId),
  live: (sandbox, text) => countLive('threads', sandbox, 'text', text),
} satisfies SandboxedProvider;
