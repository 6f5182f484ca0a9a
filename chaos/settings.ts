import { environment } from '../scripts/environment.ts';

/* What the processes are told at their start. */

export interface Places {
  dir: string;
  databaseUrl: string;
  temporalPort: number;
  sandboxPort: number;
  /** Of the two servers. */
  urls: readonly [string, string];
  secrets: { clientSecret: string; adminKey: string; kek: string };
}

const CLIENT_KEY = 'chaos-client-key';

const redirectUri = ([first]: Places['urls']): string => `${first}/api/auth/tiktok/callback`;

/** The environment of servers and workers. */
export function ourEnvironment({ dir, databaseUrl, temporalPort, sandboxPort, urls, secrets }: Places) {
  const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  return {
    PATH: environment['PATH'],
    HOME: environment['HOME'],
    EVERPOST_DIR: dir,
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_CONFIG_FILE: '',
    EVERPOST_PUBLIC_URL: urls[0],
    EVERPOST_KEYRING: `k1:${secrets.kek}`,
    EVERPOST_ADMIN_KEY: secrets.adminKey,
    EVERPOST_ALLOW_PRIVATE_URLS: 'true',
    TIKTOK_CLIENT_KEY: CLIENT_KEY,
    TIKTOK_CLIENT_SECRET: secrets.clientSecret,
    NEXT_PUBLIC_TIKTOK_REDIRECT_URI: redirectUri(urls),
    TIKTOK_AUTH_URL: sandboxUrl,
    TIKTOK_API_URL: sandboxUrl,
    TIKTOK_UPLOAD_HOSTS: new URL(sandboxUrl).host,
  };
}

/**
 * The sandbox's flags. Limits of an account are out of the way: what is tested here is not the ledger, whose time
 * is moved while the drive waits for quotas (drive.ts), by another amount than the sandbox's clock.
 */
export function sandboxFlags({ sandboxPort, urls, secrets }: Places): string[] {
  const limit = 100_000;
  const options = {
    processingMs: 300,
    moderationMs: 200,
    dailyPostCap: limit,
    pendingShareCap: limit,
    limits: {
      creator_info: limit,
      'video.init': limit,
      'inbox.init': limit,
      'content.init': limit,
      status: limit,
      'user.info': limit,
    },
  };
  return [
    `--port=${sandboxPort}`,
    `--client-key=${CLIENT_KEY}`,
    `--client-secret=${secrets.clientSecret}`,
    `--redirect-uri=${redirectUri(urls)}`,
    `--webhook-url=${urls[0]}/api/webhooks/tiktok`,
    `--options=${JSON.stringify(options)}`,
  ];
}
