import { Type } from 'typebox';
import type { Api } from '../../stack/client.ts';
import type { App, Received } from './provider.ts';

/* What the entries of Instagram and Threads have in common. */

export function metaArguments(name: string, app: App): string[] {
  return [
    `--${name}-app-id=${app.clientKey}`,
    `--${name}-app-secret=${app.clientSecret}`,
    `--${name}-redirect-uri=${app.redirectUri}`,
    `--${name}-webhook-url=${app.webhookUrl}`,
    `--${name}-verify-token=${app.verifyToken}`,
    `--${name}-deauthorize-url=${app.webhookUrl}/deauthorize`,
    `--${name}-data-deletion-url=${app.webhookUrl}/data-deletion`,
  ];
}

const Containers = Type.Array(
  Type.Object({ id: Type.String(), sha256: Type.Array(Type.Union([Type.String(), Type.Null()])) }),
);

/** A post of one file has one container, whose id it is published under. */
export async function metaReceived(name: string, sandbox: Api, publishId: string): Promise<Received | null> {
  const containers = await sandbox.get(`/_sandbox/${name}/publishes`, Containers);
  const container = containers.find(({ id }) => id === publishId);
  return container === undefined ? null : { sha256: container.sha256[0] ?? null };
}
