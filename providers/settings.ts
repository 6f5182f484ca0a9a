import type { Reader } from '../settings/reader.ts';
import type { Setting } from '../settings/setting.ts';
import { PLATFORMS, type ProviderSettings } from './index.ts';
import { PROVIDER_NAMES, type ProviderName } from './provider.ts';
import { readSiteVerification, type SiteVerification } from './tiktok/settings.ts';

export type { ProviderSettings, SiteVerification };

/** Every setting of every provider; shared settings once. */
export const PROVIDER_SETTINGS: readonly Setting[] = [
  ...PROVIDER_NAMES.flatMap((name) => PLATFORMS[name].settings.settings),
  ...new Set(PROVIDER_NAMES.flatMap((name) => PLATFORMS[name].settings.shared ?? [])),
];

/** Reads the settings of all providers. */
export function readProviders(
  read: Reader,
  publicUrl: string,
): { providers: ProviderSettings; siteVerification: SiteVerification | null } {
  const siteVerification = readSiteVerification(read, publicUrl);
  const providers: ProviderSettings = {};
  for (const name of PROVIDER_NAMES) addTo(providers, name, read);
  return { providers, siteVerification };
}

function addTo<Name extends ProviderName>(
  providers: Pick<ProviderSettings, Name>,
  name: Name,
  read: Reader,
): void {
  const settings = PLATFORMS[name].settings.read(read);
  if (settings !== null) providers[name] = settings;
}

/** Warns about callbacks registered for another address: they do not arrive here, unless a proxy forwards them. */
export function warnOfRedirects({ value, warning }: Reader, publicUrl: string): void {
  for (const provider of PROVIDER_NAMES)
    for (const name of PLATFORMS[provider].settings.redirectUris) {
      const expected = `${publicUrl}/api/auth/${provider}/callback`;
      if (value(name) !== '' && value(name) !== expected)
        warning(
          `${name} is not ${expected}, where Everpost expects callbacks: is EVERPOST_PUBLIC_URL correct?`,
        );
    }
}
