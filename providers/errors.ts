import { DAY } from '../durations.ts';
import { cleanText } from './clean.ts';

/**
 * A kind decides the caller's next step, and nothing else:
 * - `token`: the access token was refused; renew it and call again
 * - `grant`: the refresh token was refused; only the creator can help
 * - `account`: the creator must first act at the provider (grant a scope, reconnect)
 * - `quota`: nothing happened; call again after `retryAfterMs`
 * - `rejected`: nothing happened, and the same call will never succeed
 * - `unavailable`: nothing happened (never reached, or a read that failed); call again
 * - `gone`: nothing happened, and the results of the writes in `steps` are useless; make them again
 * - `unknown`: a write was sent and its outcome is not known
 */
export type ProviderErrorKind =
  'token' | 'grant' | 'account' | 'quota' | 'rejected' | 'unavailable' | 'gone' | 'unknown';

/** What one of a provider's own error codes means for a post. */
export interface CatalogueRow {
  kind: ProviderErrorKind;
  /** What happened and what to do, for the author of the post. */
  userMessage: string;
  /** How long to wait if the provider gives no time. */
  retryAfterMs?: number;
  /** Bucket of the quota that is used up, if it is one of ours. */
  quota?: string;
  /** `quota`: the provider refuses every call for the account meanwhile, not only this one. */
  everyCall?: boolean;
}

/** The row of this name. Inherited properties (`constructor`) do not count: the name comes from a provider. */
export function rowNamed<Row>(rows: Readonly<Record<string, Row>>, name: string): Row | undefined {
  return Object.hasOwn(rows, name) ? rows[name] : undefined;
}

export interface ProviderErrorInit {
  provider: string;
  kind: ProviderErrorKind;
  /** Our own code: snake_case, stable, documented. */
  code: string;
  /** What happened, for a developer. */
  message: string;
  /** What happened and what to do, for the author of the post. */
  userMessage: string;
  providerCode?: string | null;
  providerMessage?: string | null;
  logId?: string | null;
  retryAfterMs?: number;
  /** Whether the wait comes from the provider; otherwise it is our default for such a refusal. */
  retryTold?: boolean;
  /** How much of the allowance for calls is used, if the answer says it (usage.ts). */
  percent?: number;
  /** Bucket of the quota that is used up. */
  quota?: string;
  /** `quota`: the provider refuses every call for the account meanwhile. */
  everyCall?: boolean;
  /** `unavailable`: give up after this many tries of a step. */
  tries?: number;
  /** The provider's own message for the user, in the user's language. */
  providerUserMessage?: string | null;
  /** The request was sent but no answer came: it may still take effect. */
  lost?: boolean;
  /** The answer was longer than an answer may be. */
  tooLong?: boolean;
  /** `gone`: the writes whose results are lost; `unavailable`: the writes to repeat once the tries are used up. */
  steps?: readonly string[];
}

/** Longest error name and longest message, in UTF-16 units. */
const NAME = 200;
const SENTENCE = 2000;
/** No retry waits longer than this. */
const LONGEST_WAIT_MS = DAY;

/** Cleans a provider's words. They may quote a URL of ours, whose query holds a signature: the query is cut. */
function said(words: string, longest: number): string {
  return cleanText(words, longest).replace(/[^\s"'<>]+/g, withoutQuery);
}

function withoutQuery(word: string): string {
  const url = word.search(/https?:/i);
  const query = url === -1 ? -1 : word.indexOf('?', url);
  return query === -1 ? word : word.slice(0, query);
}

function saidOrNull(words: string | null | undefined, longest: number): string | null {
  return words == null ? null : said(words, longest);
}

const LONGEST_SENTENCE = 500;

/** A provider's message as we can show it: on one line, of bounded length. */
function spoken(words: string | null | undefined): string | null {
  const line = said(words ?? '', 4 * LONGEST_SENTENCE)
    .replace(/[\p{Cc}\p{Cf}\s\uFFFD]+/gu, ' ')
    .trim();
  if (line === '') return null;
  return line.length <= LONGEST_SENTENCE ? line : `${line.slice(0, LONGEST_SENTENCE - 1).toWellFormed()}…`;
}

/** The only error of `providers/`. Holds no token, URL or body, because Everpost logs, stores and shows it. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly provider: string;
  readonly kind: ProviderErrorKind;
  readonly code: string;
  readonly userMessage: string;
  readonly providerCode: string | null;
  readonly providerMessage: string | null;
  readonly logId: string | null;
  readonly retryAfterMs: number | undefined;
  readonly percent: number | null;
  readonly quota: string | null;
  readonly everyCall: boolean;
  readonly tries: number;
  readonly providerUserMessage: string | null;
  readonly lost: boolean;
  readonly steps: readonly string[];
  /** The constructor's argument, to build a similar error. */
  readonly init: ProviderErrorInit;

  constructor(init: ProviderErrorInit) {
    super(said(init.message, SENTENCE));
    this.init = init;
    this.provider = init.provider;
    this.kind = init.kind;
    this.code = init.code;
    const sentence = spoken(init.providerUserMessage);
    this.userMessage =
      said(init.userMessage, SENTENCE) + (sentence === null ? '' : ` The platform says: “${sentence}”`);
    this.providerCode = saidOrNull(init.providerCode, NAME);
    this.providerMessage = saidOrNull(init.providerMessage, SENTENCE);
    this.logId = saidOrNull(init.logId, NAME);
    this.retryAfterMs =
      init.retryAfterMs === undefined ? undefined : Math.min(init.retryAfterMs, LONGEST_WAIT_MS);
    this.percent = init.percent ?? null;
    this.quota = init.quota ?? null;
    this.everyCall = init.everyCall ?? false;
    this.tries = init.tries ?? Infinity;
    this.providerUserMessage = spoken(init.providerUserMessage);
    this.lost = init.lost ?? false;
    this.steps = init.steps ?? [];
  }

  /** The provider's own words, for `error.details`. */
  get details(): Record<string, unknown> {
    return {
      provider: this.provider,
      providerCode: this.providerCode,
      providerMessage: this.providerMessage,
      logId: this.logId,
      ...(this.providerUserMessage === null ? {} : { providerUserMessage: this.providerUserMessage }),
    };
  }
}
