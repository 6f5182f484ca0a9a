import type { Reader } from '../settings/reader.ts';
import type { Setting } from '../settings/setting.ts';
import { readList } from '../settings/values.ts';
import { isLoopback } from './loopback.ts';
import type { Permissions } from './permissions.ts';

/* What the settings of all providers have in common: they describe the operator's app at a platform. */

/** How a provider describes its settings (settings.ts in its folder), and what it makes of them. */
export interface AppSettings<Read> {
  /** In the order of `.env.example`. */
  settings: readonly Setting[];
  /** Settings that it has together with other providers: the same list with each of them. */
  shared?: readonly Setting[];
  /** The settings that are redirect URIs. */
  redirectUris: readonly string[];
  /** @returns null where no credentials are set */
  read(reader: Reader): Read | null;
}

/**
 * All of the credentials or none: a provider that is half configured is a mistake, not a choice.
 * @param credentials the redirect URI last
 * @param webhookSecret its value; empty where it may also stand for others
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

/** Redirect URIs are registered without query and fragment, at TikTok with at most 511 characters (tiktok-facts 2.4). */
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

/** @returns the secrets that are listed, or those that stand for them */
export function readSecrets<Name extends string>(
  read: Reader<Name>,
  name: Name,
  otherwise: readonly string[],
): readonly string[] {
  const listed = readList(read, name);
  return listed.length > 0 ? listed : otherwise.filter((secret) => secret !== '');
}

/** How all platforms spell them. */
const SCOPE = /^[a-z][a-z0-9_.:-]*$/i;

/** What the consent is to ask for; absent: the usual. */
export function readScopes<Name extends string>(
  read: Reader<Name>,
  permissions: Permissions<Name>,
): { scopes?: readonly string[] } {
  const { problem, warning } = read;
  const listed = readList(read, permissions.setting);
  if (listed.length === 0) return {};
  const known = Object.keys(permissions.words);
  if (!listed.every((scope) => SCOPE.test(scope))) {
    problem(`${permissions.setting} must be a comma list of scopes, such as ${permissions.asked.join(',')}`);
    return {};
  }
  const unknown = listed.filter((scope) => !known.includes(scope));
  // Platforms add scopes, and some apps have what others have not.
  if (unknown.length > 0)
    warning(
      `${permissions.setting}: ${unknown.join(', ')} will be asked for, but Everpost does not know what that is; it knows ${known.join(', ')}`,
    );
  for (const row of permissions.required)
    if (!row.some((scope) => listed.includes(scope)))
      problem(`${permissions.setting} must have ${row.join(' or ')}: without it an account is of no use`);
  return { scopes: [...new Set(listed)] };
}
