export interface Quota {
  bucket: string;
  /** Null: the provider tells it, beforehand (`preflight`) or by a refusal. */
  limit: number | null;
  windowMs: number;
  /**
   * What counts: each call of the write (a rate limit), each call of its preflight, only what the provider accepted, or of
   * that only what a later write of the plan shows: it may be made several times before.
   */
  counts: 'calls' | 'preflights' | 'accepted' | 'shown';
  /** How many units of the limit a call takes; one without it. */
  cost?: number;
  /** Whose the limit is: of each account, or of the app, for all its accounts together. Of the account without it. */
  scope?: 'account' | 'app';
  /** For a person whose post waits for it, where they can do something about it, or should know more than that. */
  userMessage?: string;
}

/** How a quota stands, in the provider's own words. */
export interface ToldQuota {
  bucket: string;
  limit: number;
  used: number;
}
