import type { Reader } from '../../settings/reader.ts';
import type { NameIn, Setting } from '../../settings/setting.ts';
import { readSecrets } from '../app-settings.ts';
import type { MetaWebhookSettings } from './webhooks.ts';

/** Settings shared by all of Meta's platforms. */
export const META_SETTINGS = [
  {
    name: 'META_VERIFY_TOKEN',
    fallback: '',
    about: 'Verify token of Meta’s webhook handshake; required with Instagram or Threads.',
  },
] as const satisfies readonly Setting[];

export type MetaName = NameIn<typeof META_SETTINGS>;

/**
 * The secrets that authenticate Meta's calls.
 * @param listed the setting of the secrets that may sign webhooks; default: the apps' secrets
 */
export function readMetaSecrets<Name extends string>(
  read: Reader<Name | MetaName>,
  title: string,
  listed: Name,
  apps: readonly Name[],
): MetaWebhookSettings {
  const { value, problem } = read;
  const verifyToken = value('META_VERIFY_TOKEN');
  if (verifyToken === '') problem(`META_VERIFY_TOKEN is missing, but ${title} settings are set`);
  const appSecrets = apps.map(value).filter((secret) => secret !== '');
  return { webhookSecrets: readSecrets(read, listed, appSecrets), appSecrets, verifyToken };
}
