import { environment } from '../stack/environment.ts';
import { kept, randomKey } from '../stack/kept/folder.ts';
import { instagram } from './sandboxed/instagram.ts';
import type { App, SandboxedProvider } from './sandboxed/provider.ts';
import { threads } from './sandboxed/threads.ts';
import { tiktok } from './sandboxed/tiktok.ts';

export const PROVIDERS: readonly SandboxedProvider[] = [tiktok, instagram, threads];

/** @param choice the name of a provider, or `all` */
export function providersNamed(choice: string): readonly SandboxedProvider[] {
  const chosen = PROVIDERS.filter(({ name }) => choice === 'all' || choice === name);
  if (chosen.length > 0) return chosen;
  const names = PROVIDERS.map(({ name }) => name).join(', ');
  throw new Error(`--provider ${choice}: give one of ${names}, or all`);
}

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
    // One for all: that of an app of your own, where only another one is sandboxed.
    verifyToken: environment['META_VERIFY_TOKEN'] || kept('meta-verify-token', randomKey),
  };
}
