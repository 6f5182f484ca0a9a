import type { Reader } from '../../settings/reader.ts';
import type { NameIn, Setting } from '../../settings/setting.ts';
import { readSecrets } from '../app-settings.ts';
import type { MetaWebhookSettings } from './webhooks.ts';

/** Settings of every platform of Meta. */
export const META_SETTINGS = [
  {
    name: 'META_VERIFY_TOKEN',
    fallback: '',
    about: 'What Meta’s webhook handshake has to bring along; required with Instagram or Threads.',
  },
] as const satisfies readonly Setting[];

export type MetaName = NameIn<typeof META_SETTINGS>;

/**
 * What tells that a call of Meta's is Meta's.
 * @param listed the secrets that may sign webhooks; without it those of the apps
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
