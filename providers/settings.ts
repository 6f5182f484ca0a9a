import type { Reader } from '../settings/reader.ts';
import type { Setting } from '../settings/setting.ts';
import { PLATFORMS, type ProviderSettings } from './index.ts';
import { readSiteVerification, type SiteVerification } from './tiktok/settings.ts';

export type { ProviderSettings, SiteVerification };

/** Every setting of every provider; shared settings once. */
export const PROVIDER_SETTINGS: readonly Setting[] = [
  ...Object.values(PLATFORMS).flatMap(({ settings }) => settings.settings),
  ...new Set(Object.values(PLATFORMS).flatMap(({ settings }) => settings.shared ?? [])),
];

/** Reads the settings of all providers. */
export function readProviders(
  read: Reader,
  publicUrl: string,
): { providers: ProviderSettings; siteVerification: SiteVerification | null } {
  const siteVerification = readSiteVerification(read, publicUrl);
  const providers: ProviderSettings = {};
  for (const [name, { settings }] of Object.entries(PLATFORMS)) {
    const app = settings.read(read);
    if (app !== null) providers[name] = app;
  }
  return { providers, siteVerification };
}

/** Warns about callbacks registered for another address: they do not arrive here, unless a proxy forwards them. */
export function warnOfRedirects({ value, warning }: Reader, publicUrl: string): void {
  for (const [provider, { settings }] of Object.entries(PLATFORMS))
    for (const name of settings.redirectUris) {
      const expected = `${publicUrl}/api/auth/${provider}/callback`;
      if (value(name) !== '' && value(name) !== expected)
        warning(
          `${name} is not ${expected}, where Everpost expects callbacks: is EVERPOST_PUBLIC_URL correct?`,
        );
    }
}
