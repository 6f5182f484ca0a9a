import type { Driver } from '../test/drivers/driver.ts';
import type { App } from '../test/drivers/sandbox.ts';
import { environment } from './environment.ts';
import { kept, randomKey } from './kept/folder.ts';

export function hasCredentials(driver: Driver): boolean {
  return driver.credentials.some((name) => (environment[name] ?? '') !== '');
}

/** @param publicUrl where browsers reach us; @param apiUrl where the sandbox does */
export function sandboxApp({ provider }: Driver, publicUrl: string, apiUrl: string): App {
  return {
    clientKey: `sandbox-${provider}`,
    clientSecret: kept(`sandbox-${provider}-secret`, randomKey),
    redirectUri: `${publicUrl}/api/auth/${provider}/callback`,
    webhookUrl: `${apiUrl}/api/webhooks/${provider}`,
    // One for all: that of an app of your own, where only another one is sandboxed.
    verifyToken: environment['META_VERIFY_TOKEN'] || kept('meta-verify-token', randomKey),
  };
}
