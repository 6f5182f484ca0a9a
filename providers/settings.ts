import type { Reader } from '../settings/reader.ts';
import type { Setting } from '../settings/setting.ts';
import type { AppSettings } from './app-settings.ts';
import type { InstagramSettings } from './instagram/client.ts';
import { instagram } from './instagram/settings.ts';
import { PROVIDER_NAMES, type ProviderName } from './provider.ts';
import type { ThreadsSettings } from './threads/client.ts';
import { threads } from './threads/settings.ts';
import type { TikTokSettings } from './tiktok/client.ts';
import { readSiteVerification, tiktok, type SiteVerification } from './tiktok/settings.ts';

export type { SiteVerification };

/** The settings that each provider's folder needs. */
interface SettingsByName {
  tiktok: TikTokSettings;
  instagram: InstagramSettings;
  threads: ThreadsSettings;
}

/** A provider without credentials is absent. */
export type ProviderSettings = Partial<SettingsByName>;

/** The registry of the providers' settings. */
const APPS: { readonly [Name in ProviderName]: AppSettings<SettingsByName[Name]> } = {
  tiktok,
  instagram,
  threads,
};

/** Every setting of every provider; shared settings once. */
export const PROVIDER_SETTINGS: readonly Setting[] = [
  ...PROVIDER_NAMES.flatMap((name) => APPS[name].settings),
  ...new Set(PROVIDER_NAMES.flatMap((name) => APPS[name].shared ?? [])),
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
  const settings = APPS[name].read(read);
  if (settings !== null) providers[name] = settings;
}

/** Warns about callbacks registered for another address: they do not arrive here, unless a proxy forwards them. */
export function warnOfRedirects({ value, warning }: Reader, publicUrl: string): void {
  for (const provider of PROVIDER_NAMES)
    for (const name of APPS[provider].redirectUris) {
      const expected = `${publicUrl}/api/auth/${provider}/callback`;
      if (value(name) !== '' && value(name) !== expected)
        warning(
          `${name} is not ${expected}, where Everpost expects callbacks: is EVERPOST_PUBLIC_URL correct?`,
        );
    }
}
