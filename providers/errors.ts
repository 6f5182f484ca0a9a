import { DAY } from '../durations.ts';
import { cleanText } from './clean.ts';

/**
 * What a caller does next, which is all that a kind says:
 * - `token`: the access token was refused; renew it and call again
 * - `grant`: the refresh token was refused; only the creator can help
 * - `account`: the creator must act at the provider (grant a scope, reconnect) before it can go on
 * - `quota`: nothing happened; call again after `retryAfterMs`
 * - `rejected`: nothing happened, and the same call will never succeed
 * - `unavailable`: nothing happened (never reached, or a read that failed); call again
 * - `gone`: nothing happened, and what the writes in `steps` made is of no use any more: make it again
 * - `unknown`: a write was sent and its outcome is not known
 */
export type ProviderErrorKind =
  'token' | 'grant' | 'account' | 'quota' | 'rejected' | 'unavailable' | 'gone' | 'unknown';

/** What one of a provider's own error codes means for a post. */
export interface CatalogueRow {
  kind: ProviderErrorKind;
  /** What happened and what to do, for the person whose post it is. */
  userMessage: string;
  /** How long to wait where the provider does not say. */
  retryAfterMs?: number;
  /** Bucket of the quota that it shows to be used up, where one of ours is meant. */
  quota?: string;
  /** `quota`: every call for the account is refused meanwhile, not only this one. */
  everyCall?: boolean;
}

/** The row of this name; what every object inherits (`constructor`) is none, whatever word a provider says. */
export function rowNamed<Row>(rows: Readonly<Record<string, Row>>, name: string): Row | undefined {
  return Object.hasOwn(rows, name) ? rows[name] : undefined;
}

export interface ProviderErrorInit {
  provider: string;
  kind: ProviderErrorKind;
  /** Ours: snake_case, stable, documented. */
  code: string;
  /** What happened, for a developer. */
  message: string;
  /** What happened and what to do, for the person whose post it is. */
  userMessage: string;
  providerCode?: string | null;
  providerMessage?: string | null;
  logId?: string | null;
  retryAfterMs?: number;
  /** Whether the provider itself has said so; else it is what we know of such refusals. */
  retryTold?: boolean;
  /** Bucket of the quota that the refusal shows to be used up. */
  quota?: string;
  /** `quota`: every call for the account is refused meanwhile. */
  everyCall?: boolean;
  /** `unavailable`: given up after as many tries of a step. */
  tries?: number;
  /** The provider's own words for a person, in their language. */
  providerUserMessage?: string | null;
  /** The request went out and no answer came: it may still take effect. */
  lost?: boolean;
  /** `gone`: the writes whose results are lost; `unavailable`: those to repeat when the tries are used up. */
  steps?: readonly string[];
}

/** Longest name of an error, and longest sentence about one, in UTF-16 units. */
const NAME = 200;
const SENTENCE = 2000;
/** Nothing is asked again later than that. */
const LONGEST_WAIT_MS = DAY;

/** Words of a provider, which may quote the URL that it was given: the query of ours has its signature. */
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

/** A provider's words for a person, as they can be shown: on one line, of bounded length. */
function spoken(words: string | null | undefined): string | null {
  const line = said(words ?? '', 4 * LONGEST_SENTENCE)
    .replace(/[\p{Cc}\p{Cf}\s\uFFFD]+/gu, ' ')
    .trim();
  if (line === '') return null;
  return line.length <= LONGEST_SENTENCE ? line : `${line.slice(0, LONGEST_SENTENCE - 1).toWellFormed()}…`;
}

/** The one error of `providers/`. Carries no token, URL or body: it is logged, stored and shown. */
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
  readonly quota: string | null;
  readonly everyCall: boolean;
  readonly tries: number;
  readonly providerUserMessage: string | null;
  readonly lost: boolean;
  readonly steps: readonly string[];
  /** What it was made of, to make a like one. */
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
