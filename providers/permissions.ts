import { ProviderError } from './errors.ts';

/** What an account may be able to do; its granted scopes decide. */
export const CAPABILITIES = [
  'draft',
  'publish',
  'delete',
  'read_media',
  'read_comments',
  'moderate',
  'read_insights',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** The scopes of a platform, from its documentation (tiktok-facts 2.8, instagram-facts 2.1 and 3.2, threads-facts 2.2). */
export interface Permissions<Setting extends string = string> {
  /** The scopes that the consent asks for. */
  readonly asked: readonly string[];
  /** What copying media, comments and numbers needs besides what publishing needs; absent: nothing is copied. */
  readonly sync?: readonly string[];
  /** An account must grant one scope of each row; without it, Everpost cannot use the account. */
  readonly required: readonly (readonly string[])[];
  /** All the scopes that a capability needs; absent if no app of ours can have it. */
  readonly capabilities: Readonly<Partial<Record<Capability, readonly string[]>>>;
  /** Every scope that the consent may ask for, in words that complete "<name> asks to". */
  readonly words: Readonly<Record<string, string>>;
  /** The setting that lists the scopes to ask for. */
  readonly setting: Setting;
}

/** What a request needs from an account. */
export interface Needs {
  scopes: readonly string[];
  /** Another way to do it, if there is one. */
  otherwise?: string;
}

/** The capabilities that the granted scopes allow. */
export function capabilitiesOf({ capabilities }: Permissions, scopes: readonly string[]): Capability[] {
  return CAPABILITIES.filter(
    (capability) => capabilities[capability]?.every((scope) => scopes.includes(scope)) ?? false,
  );
}

/** The scopes missing from a grant; all alternatives of a row. Empty if the grant suffices. */
export function missingFrom({ required }: Permissions, scopes: readonly string[]): string[] {
  return required.filter((row) => !row.some((scope) => scopes.includes(scope))).flat();
}

/** A scope in plain words; its name if it has none. */
export function inWords({ words }: Permissions, scope: string): string {
  return words[scope] ?? scope;
}

/**
 * Checks before anything is sent that an account's scopes allow a request.
 * @throws ProviderError `account`, code `permission_missing`, which names the scopes and the remedy
 */
export function requireScopes(
  provider: string,
  permissions: Permissions,
  { scopes, otherwise }: Needs,
  granted: readonly string[],
): void {
  const missing = scopes.filter((scope) => !granted.includes(scope));
  if (missing.length === 0) return;
  const names = missing.join(', ');
  const words = missing.map((scope) => inWords(permissions, scope)).join(', ');
  const askedFor = missing.every((scope) => permissions.asked.includes(scope));
  const remedy = askedFor ? 'Reconnect the account and allow it.' : 'This installation does not ask for it.';
  throw new ProviderError({
    provider,
    kind: 'account',
    code: 'permission_missing',
    message: askedFor
      ? `the account has not granted ${names}; reconnect it`
      : `the account has not granted ${names}, and ${permissions.setting} does not ask for it: add it there, if the app may have it, and reconnect the account`,
    userMessage: [`The account has not granted the permission to ${words}.`, remedy, otherwise]
      .filter((sentence) => sentence !== undefined)
      .join(' '),
  });
}
