import type { Quota } from './quotas.ts';

export interface TokenSet {
  accessToken: string;
  /** Null: the answer had none, the old one stays (RFC 6749 section 6). */
  refreshToken: string | null;
  /** Seconds from now, as the provider says; null where it does not. */
  expiresIn: number | null;
  refreshExpiresIn: number | null;
  scopes: readonly string[];
}

/** Whether the provider has agreed to send an account's webhooks; if not, in its own words why. */
export type Subscription = { subscribed: true } | ({ subscribed: false } & Record<string, unknown>);

/** An account that a creator has just granted. */
export interface Grant {
  openId: string;
  username: string | null;
  displayName: string | null;
  tokens: TokenSet;
  /** `webhooks`: where they have to be asked for, for each account. */
  metadata: Record<string, unknown> & { webhooks?: Subscription };
  /** Quotas of the account that the calls of connecting have used. */
  used?: readonly Quota[];
  /** Where the provider knows whoever logged in by another id than the account: several accounts may come with one login. */
  login?: {
    /** The provider's id of whoever logged in; callbacks name it. */
    id: string;
    /** The Page through which the account is reached; absent: it is reached by itself. */
    page?: { id: string; accessToken: string };
  };
}

export interface OAuth {
  /** There is no refresh token: an access token is renewed with itself, and ends with itself. */
  readonly renewsItself?: true;
  /**
   * Where a browser may come by on the way through the consent page, as sources of a Content-Security-Policy: browsers
   * check every redirect that follows a form.
   */
  readonly consentSources: readonly string[];
  /** Where to send the creator's browser. `codeVerifier` is the PKCE secret of this attempt. */
  authorizeUrl(attempt: { state: string; codeVerifier: string }): string;
  /**
   * @returns every account that was granted, and the scopes that were
   * @throws ProviderError `grant` when the code is refused
   */
  exchangeCode(
    code: string,
    codeVerifier: string,
    signal: AbortSignal,
  ): Promise<{ scopes: readonly string[]; grants: Grant[] }>;
  /**
   * Absent: nothing renews its tokens. A connection lasts as long as its access token; a refresh token that comes with it is
   * not kept.
   * @returns null when the provider renews nothing now, and says that the tokens live
   * @throws ProviderError `grant` when the refresh token is refused, `unavailable` when it should be tried again
   */
  refresh?(refreshToken: string, signal: AbortSignal): Promise<TokenSet | null>;
  /** Ends our access at the provider; a token that is dead already is no error. */
  revoke(accessToken: string, signal: AbortSignal): Promise<void>;
}
