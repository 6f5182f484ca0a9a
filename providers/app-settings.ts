import type { Reader } from '../settings/reader.ts';
import type { Setting } from '../settings/setting.ts';
import type { SyncName } from '../settings/sync.ts';
import { readList } from '../settings/values.ts';
import { isLoopback } from './loopback.ts';
import type { Permissions } from './permissions.ts';

/* Shared by the settings of all providers, which describe the operator's app at a platform. */

/** A provider's description of its settings (settings.ts in its folder), and their reader. */
export interface AppSettings<Read> {
  /** In the order of `.env.example`. */
  settings: readonly Setting[];
  /** Settings shared with other providers: the same list in each of them. */
  shared?: readonly Setting[];
  /** The settings that are redirect URIs. */
  redirectUris: readonly string[];
  /** @returns null if no credentials are set */
  read(reader: Reader): Read | null;
}

/**
 * Requires all of the credentials or none: half a configuration is a mistake, not a choice.
 * @param credentials the redirect URI last
 * @param webhookSecret its value; empty if it may also serve other providers
 */
export function areComplete<Name extends string>(
  { value, problem }: Reader<Name>,
  title: string,
  credentials: readonly [Name, Name, Name],
  webhookSecret: string,
): boolean {
  const missing = credentials.filter((name) => value(name) === '');
  if (missing.length === credentials.length && webhookSecret === '') return false;
  for (const name of missing) problem(`${name} is missing, but other ${title} settings are set`);
  const [, , redirectUri] = credentials;
  if (!missing.includes(redirectUri)) checkRedirectUri(redirectUri, value(redirectUri), problem);
  return true;
}

/**
 * Redirect URIs are registered without query and fragment, at TikTok with at most 511 characters (tiktok-facts 2.4).
 */
function checkRedirectUri(name: string, text: string, problem: (text: string) => void): void {
  const uri = URL.parse(text);
  const loopback = uri !== null && isLoopback(uri.hostname);
  if (
    uri === null ||
    !(uri.protocol === 'https:' || (uri.protocol === 'http:' && loopback)) ||
    uri.search !== '' ||
    uri.hash !== '' ||
    text.length > 511
  )
    problem(`${name} must be an https URL (http only on localhost or 127.0.0.1) without query and fragment`);
}

/** @returns the listed secrets, or their substitutes */
export function readSecrets<Name extends string>(
  read: Reader<Name>,
  name: Name,
  otherwise: readonly string[],
): readonly string[] {
  const listed = readList(read, name);
  return listed.length > 0 ? listed : otherwise.filter((secret) => secret !== '');
}

/** The spelling of scopes on all platforms. */
const SCOPE = /^[a-z][a-z0-9_.:-]*$/i;

/** The scopes that the consent asks for; absent: those that publishing needs. A list in the settings always wins. */
export function readScopes<Name extends string>(
  read: Reader<Name | SyncName>,
  permissions: Permissions<Name>,
): { scopes?: readonly string[] } {
  const { value, problem, warning } = read;
  const listed = readList(read, permissions.setting);
  if (listed.length === 0) {
    const { asked, sync = [] } = permissions;
    return value('EVERPOST_SYNC') === 'on' ? { scopes: [...new Set([...asked, ...sync])] } : {};
  }
  const known = Object.keys(permissions.words);
  if (!listed.every((scope) => SCOPE.test(scope))) {
    problem(`${permissions.setting} must be a comma list of scopes, such as ${permissions.asked.join(',')}`);
    return {};
  }
  const unknown = listed.filter((scope) => !known.includes(scope));
  // Platforms add scopes, and some apps get scopes that others do not.
  if (unknown.length > 0)
    warning(
      `${permissions.setting}: the consent will ask for ${unknown.join(', ')}, which Everpost does not know; it knows ${known.join(', ')}`,
    );
  for (const row of permissions.required)
    if (!row.some((scope) => listed.includes(scope)))
      problem(
        `${permissions.setting} must include ${row.join(' or ')}: Everpost cannot use an account without it`,
      );
  return { scopes: [...new Set(listed)] };
}
