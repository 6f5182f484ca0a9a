export interface Quota {
  bucket: string;
  /** Null: only the provider knows it, and reveals it in `preflight` or in a refusal. */
  limit: number | null;
  windowMs: number;
  /**
   * What counts: each call of the write (a rate limit), each call of its preflight, each accepted write, or each
   * accepted write whose result a later write of the plan makes visible (its result may be made several times before).
   */
  counts: 'calls' | 'preflights' | 'accepted' | 'shown';
  /** How many units of the limit a call takes; default 1. */
  cost?: number;
  /** Whether each account has its own limit (the default), or all accounts of the app share it. */
  scope?: 'account' | 'app';
  /** For the author of a post that waits for it, if there is something to do or to know. */
  userMessage?: string;
}

/** The state of a quota, in the provider's own words. */
export interface ToldQuota {
  bucket: string;
  limit: number;
  used: number;
}
