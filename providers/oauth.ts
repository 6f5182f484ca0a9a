import type { Quota } from './quotas.ts';

export interface TokenSet {
  accessToken: string;
  /** Null: the answer had none, so the old one stays (RFC 6749 section 6). */
  refreshToken: string | null;
  /** Seconds from now; null if the provider gives none. */
  expiresIn: number | null;
  refreshExpiresIn: number | null;
  scopes: readonly string[];
}

/** Whether the provider will send an account's webhooks; if not, why, in its own words. */
export type Subscription = { subscribed: true } | ({ subscribed: false } & Record<string, unknown>);

/** An account that a creator has just connected. */
export interface Grant {
  openId: string;
  username: string | null;
  displayName: string | null;
  tokens: TokenSet;
  /** `webhooks`: only if each account must be subscribed separately. */
  metadata: Record<string, unknown> & { webhooks?: Subscription };
  /** Quotas of the account that were used while connecting. */
  used?: readonly Quota[];
  /** If the provider's id of the person who logged in is not the account's: several accounts may share one login. */
  login?: {
    /** The provider's id of the person who logged in; callbacks name it. */
    id: string;
    /** The Page through which the account is reached; absent: directly. */
    page?: { id: string; accessToken: string };
  };
}

export interface OAuth {
  /** There is no refresh token: an access token renews itself, and expires for good unless it is renewed before. */
  readonly renewsItself?: true;
  /**
   * The sites that a browser may pass on the way through the consent page, as sources of a Content-Security-Policy:
   * browsers check every redirect that follows a form.
   */
  readonly consentSources: readonly string[];
  /** The URL of the consent page. `codeVerifier` is the PKCE secret of this attempt. */
  authorizeUrl(attempt: { state: string; codeVerifier: string }): string;
  /**
   * @returns every granted account, and the granted scopes
   * @throws ProviderError `grant` if the code is refused
   */
  exchangeCode(
    code: string,
    codeVerifier: string,
    signal: AbortSignal,
  ): Promise<{ scopes: readonly string[]; grants: Grant[] }>;
  /**
   * Absent: the tokens cannot be renewed. A connection then lasts as long as its access token, and a refresh token is
   * not stored.
   * @returns null if the provider does not renew them now, and says that the tokens are valid
   * @throws ProviderError `grant` if the refresh token is refused, `unavailable` if it should be tried again
   */
  refresh?(refreshToken: string, signal: AbortSignal): Promise<TokenSet | null>;
  /** Ends our access at the provider; a dead token is not an error. */
  revoke(accessToken: string, signal: AbortSignal): Promise<void>;
}
