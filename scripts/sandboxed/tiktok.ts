import { Type } from 'typebox';
import { environment } from '../../stack/environment.ts';
import { countLive, type SandboxedProvider } from './provider.ts';

const Publishes = Type.Array(
  Type.Object({
    id: Type.String(),
    chunks: Type.Array(Type.Unknown()),
    sha256: Type.Union([Type.String(), Type.Null()]),
  }),
);

/** The sandbox takes every loopback address for verified. */
const SITE_FILE = 'tiktokSandbox.txt=tiktok-developers-site-verification=Sandbox';

export const tiktok = {
  name: 'tiktok',
  title: 'TikTok',
  credentials: ['TIKTOK_CLIENT_KEY', 'NEXT_PUBLIC_TIKTOK_CLIENT_KEY', 'TIKTOK_CLIENT_SECRET'],
  // What an app may do can be tried with the sandbox, too.
  settings: /^(NEXT_PUBLIC_)?TIKTOK_(?!SCOPES$|APP_AUDITED$|SITE_VERIFICATION$)/,
  sandboxArguments: (app) => [
    `--client-key=${app.clientKey}`,
    `--client-secret=${app.clientSecret}`,
    `--redirect-uri=${app.redirectUri}`,
    `--webhook-url=${app.webhookUrl}`,
  ],
  settingsFor: (app, sandboxUrl) => ({
    TIKTOK_CLIENT_KEY: app.clientKey,
    TIKTOK_CLIENT_SECRET: app.clientSecret,
    NEXT_PUBLIC_TIKTOK_REDIRECT_URI: app.redirectUri,
    TIKTOK_AUTH_URL: sandboxUrl,
    TIKTOK_API_URL: sandboxUrl,
    TIKTOK_UPLOAD_HOSTS: new URL(sandboxUrl).host,
    TIKTOK_APP_AUDITED: environment['TIKTOK_APP_AUDITED'] || 'true',
    TIKTOK_SITE_VERIFICATION: environment['TIKTOK_SITE_VERIFICATION'] || SITE_FILE,
  }),
  async addCreator(sandbox, username) {
    // More posts a day than TikTok allows, so that the demo can be shown all day.
    const creator = { username, displayName: 'Demo Creator', dailyPostCap: 10_000 };
    await sandbox.post('/_sandbox/tiktok/creators', creator, Type.Unknown());
  },
  publishPath: '/api/tiktok/upload',
  videoPost: (accountId, mediaId, text) => ({
    accountId,
    source: 'FILE_UPLOAD',
    mediaId,
    mode: 'direct',
    postInfo: { title: text, privacy_level: 'PUBLIC_TO_EVERYONE' },
    allowDuplicate: true,
  }),
  async received(sandbox, publishId) {
    const publishes = await sandbox.get('/_sandbox/tiktok/publishes', Publishes);
    const publish = publishes.find(({ id }) => id === publishId);
    return publish === undefined ? null : { sha256: publish.sha256, chunks: publish.chunks.length };
  },
  live: (sandbox, text) => countLive('tiktok', sandbox, 'title', text),
} satisfies SandboxedProvider;
