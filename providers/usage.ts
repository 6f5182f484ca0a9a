/** What a provider said, beside an answer, about the calls that it still accepts. A value that it did not say is absent. */
export interface Usage {
  /** How much of the allowance is used, in percent; from 100 on the provider refuses calls. Of several, the largest. */
  percent?: number;
  /** How long until the provider accepts calls again. */
  retryAfterMs?: number;
}
