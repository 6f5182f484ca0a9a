import { environment } from './environment.ts';
import { kept, randomKey } from './folder.ts';

/** A provider that the sandbox stands in for. One entry each; nothing else in the stack names a provider. */
export interface SandboxedProvider {
  name: string;
  /** Whoever sets one of these has an app of their own, and gets no sandbox. */
  credentials: readonly string[];
  /** All its settings: with the sandbox, they are ours to give. */
  settings: RegExp;
  sandboxArguments(app: App): string[];
  settingsFor(app: App, sandboxUrl: string): Record<string, string>;
}

/** As it would be registered in the provider's developer portal. */
export interface App {
  clientKey: string;
  clientSecret: string;
  redirectUri: string;
  webhookUrl: string;
}

export const PROVIDERS: readonly SandboxedProvider[] = [
  {
    name: 'tiktok',
    credentials: ['TIKTOK_CLIENT_KEY', 'NEXT_PUBLIC_TIKTOK_CLIENT_KEY', 'TIKTOK_CLIENT_SECRET'],
    settings: /^(NEXT_PUBLIC_)?TIKTOK_/,
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
    }),
  },
];

export function hasCredentials(provider: SandboxedProvider): boolean {
  return provider.credentials.some((name) => (environment[name] ?? '') !== '');
}

/** @param publicUrl where browsers reach us; @param apiUrl where the sandbox does */
export function sandboxApp({ name }: SandboxedProvider, publicUrl: string, apiUrl: string): App {
  return {
    clientKey: `sandbox-${name}`,
    clientSecret: kept(`sandbox-${name}-secret`, randomKey),
    redirectUri: `${publicUrl}/api/auth/${name}/callback`,
    webhookUrl: `${apiUrl}/api/webhooks/${name}`,
  };
}
