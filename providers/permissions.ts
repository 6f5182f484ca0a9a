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
  /** What the consent asks for. */
  readonly asked: readonly string[];
  /** Of each row one scope must be granted: without it an account is of no use. */
  readonly required: readonly (readonly string[])[];
  /** The scopes that a capability needs, all of them; absent: no app of ours can do it. */
  readonly capabilities: Readonly<Partial<Record<Capability, readonly string[]>>>;
  /** Every scope that may be asked for, in words that complete "<name> asks to". */
  readonly words: Readonly<Record<string, string>>;
  /** The setting that says what is asked for. */
  readonly setting: Setting;
}

/** What a request needs an account to have granted. */
export interface Needs {
  scopes: readonly string[];
  /** Another way that the person may take, where there is one. */
  otherwise?: string;
}

/** What the granted scopes allow. */
export function capabilitiesOf({ capabilities }: Permissions, scopes: readonly string[]): Capability[] {
  return CAPABILITIES.filter(
    (capability) => capabilities[capability]?.every((scope) => scopes.includes(scope)) ?? false,
  );
}

/** The scopes that a grant lacks to be of use; of a row with alternatives all. Empty: it is of use. */
export function missingFrom({ required }: Permissions, scopes: readonly string[]): string[] {
  return required.filter((row) => !row.some((scope) => scopes.includes(scope))).flat();
}

/** A scope as a person understands it; one without words by its name. */
export function inWords({ words }: Permissions, scope: string): string {
  return words[scope] ?? scope;
}

/**
 * Checks that an account may do what a request asks for, before anything is sent.
 * @throws ProviderError `account`, code `permission_missing`, naming the scopes and what to do
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
  const remedy = askedFor
    ? 'Connect the account again and allow it.'
    : 'This installation does not ask for it.';
  throw new ProviderError({
    provider,
    kind: 'account',
    code: 'permission_missing',
    message: askedFor
      ? `the account has not granted ${names}; connect it again`
      : `the account has not granted ${names}, which ${permissions.setting} does not ask for: add it there, if the app may have it, and connect the account again`,
    userMessage: [`The account has not granted the permission to ${words}.`, remedy, otherwise]
      .filter((sentence) => sentence !== undefined)
      .join(' '),
  });
}
