import { ProviderError } from '../errors.ts';
import { HttpFailure, type HttpAnswer } from '../http.ts';
import { amount, id, record, records, text, tryParse } from '../json.ts';
import { MINUTE, SECOND } from '../../durations.ts';
import { AGAIN, BLOCKED, META_NAMES, type MetaRow, RATE, rowOfCode } from './codes.ts';

/*
 * How answers of Meta's Graph APIs are read; what their codes mean stands in codes.ts.
 */

/** Who answers; the same codes, other names. */
export interface Platform {
  provider: 'instagram' | 'threads';
  title: string;
}

/** Answers with which posts were seen live all the same (instagram-facts 9.4). */
const DOUBTFUL = new Set(['4/2207051']);
/** "Not found, or no permission, or something else" (instagram-facts 5.2). */
const AMBIGUOUS = new Set(['100/33']);

/** What an answer says went wrong. */
export interface MetaFailure {
  code: string | null;
  subcode: string | null;
  message: string | null;
  transient: boolean;
  traceId: string | null;
  /** For the account's owner, in their language (instagram-facts 5.1). */
  userMessage: string | null;
}

/** Both envelopes: `error{}`, and the flat one of the code exchanges. @returns null where it is no error */
function failureOf(body: Readonly<Record<string, unknown>> | null): MetaFailure | null {
  const error = record(body?.['error']);
  if (error !== null)
    return {
      code: id(error['code']),
      subcode: id(error['error_subcode']),
      message: text(error['message']),
      transient: error['is_transient'] === true,
      traceId: text(error['fbtrace_id']),
      userMessage: sentenceOf(text(error['error_user_title']), text(error['error_user_msg'])),
    };
  if (body === null || text(body['error_type']) === null) return null;
  const message = text(body['error_message']);
  const none = { subcode: null, transient: false, traceId: null, userMessage: null };
  return { code: id(body['code']), message, ...none };
}

/** A title that the message says again is left out. */
function sentenceOf(title: string | null, message: string | null): string | null {
  if (title === null || message === null || message.includes(title)) return message ?? title;
  return `${title.replace(/[.:]$/, '')}: ${message}`;
}

/**
 * A name may stand anywhere in the body, whatever its shape (threads-facts 5). Words that people use, too, count only where
 * a message does not quote them.
 */
function rowOf(failure: MetaFailure | null, whole: string): MetaRow | null {
  const parsed = tryParse(whole);
  const said = parsed === null ? [whole] : stringsIn(parsed).map(withoutQuoted);
  const named = Object.entries(META_NAMES).find(([name]) =>
    name.includes('_API__') ? whole.includes(name) : said.some((one) => one.includes(name)),
  );
  if (named !== undefined) return named[1];
  return failure === null ? null : rowOfCode(`${failure.code}/${failure.subcode}`);
}

/** Names and texts, at any depth. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...stringsIn(inner)]);
}

/** Without what stands between its first quotation mark and its last: that may be what a person has written. */
function withoutQuoted(said: string): string {
  const from = said.search(/["“”„«]|(?<!\w)['‘]/);
  if (from === -1) return said;
  const to = Math.max(...['"', '”', '“', '»', '’', "'"].map((mark) => said.lastIndexOf(mark)));
  const quoted = said.slice(from + 1, to);
  // Unless a name is all of it.
  return Object.hasOwn(META_NAMES, quoted) ? said : said.slice(0, from) + said.slice(Math.max(from, to) + 1);
}

/**
 * Reads an answer of a Graph API.
 * @param effect `publish` where the call makes something visible: then an answer that does not say what happened, and
 *   those with which posts were seen live, are `unknown`
 * @throws ProviderError for everything but a success
 */
export function readAnswer(
  platform: Platform,
  answer: HttpAnswer,
  effect: 'read' | 'write' | 'publish',
): Readonly<Record<string, unknown>> {
  const parsed = tryParse(answer.text);
  // All that some calls answer with (instagram-facts 2.6).
  const body = parsed === true ? { success: true } : record(parsed);
  const failure = failureOf(body);
  if (failure === null && body !== null && answer.status < 300) return body;
  throw metaError(platform, answer, failure, effect);
}

function metaError(
  { provider, title }: Platform,
  answer: HttpAnswer,
  failure: MetaFailure | null,
  effect: 'read' | 'write' | 'publish',
): ProviderError {
  const name =
    failure === null ? null : [failure.code, failure.subcode].filter((part) => part !== null).join('/');
  const said = {
    provider,
    providerCode: name,
    providerMessage: failure?.message ?? null,
    providerUserMessage: failure?.userMessage ?? null,
    logId: failure?.traceId ?? header(answer, 'x-fb-trace-id'),
    message: `${title} answered ${answer.status} ${name ?? 'without a readable body'}`,
  };
  const row = rowOf(failure, answer.text);
  const doubtful = effect === 'publish' && name !== null && DOUBTFUL.has(name);
  // "Server error" says nothing about what the server had done before.
  const broke = effect === 'publish' && (row === AGAIN || AMBIGUOUS.has(name ?? ''));
  // The code comes before the status: a wrong kind of id is answered with 500 (threads-facts 4.4).
  if (row !== null && !doubtful && !broke)
    return new ProviderError({
      ...said,
      kind: row.kind,
      code: row.code,
      userMessage: row.userMessage,
      ...waitOf(provider, answer, row),
      ...(row.quota === undefined ? {} : { quota: row.quota }),
      ...(row.everyCall === undefined ? {} : { everyCall: row.everyCall }),
      ...(row.tries === undefined ? {} : { tries: row.tries }),
    });
  const busy =
    broke || failure?.transient === true || ['1', '2'].includes(failure?.code ?? '') || answer.status >= 500;
  if (failure !== null && failure.code !== null && !busy && !doubtful && answer.status !== 429)
    return new ProviderError({
      ...said,
      kind: 'rejected',
      code: 'provider_refused',
      userMessage: `${title} refused with "${name}". Nothing was published.`,
    });
  if (answer.status === 429)
    return new ProviderError({ ...said, ...RATE, ...waitOf(provider, answer, RATE) });
  return effect === 'read'
    ? new ProviderError({
        ...said,
        kind: 'unavailable',
        code: 'provider_unavailable',
        userMessage: `${title} does not answer properly at the moment. It is tried again.`,
      })
    : new ProviderError({
        ...said,
        kind: 'unknown',
        code: doubtful ? BLOCKED.code : 'outcome_unknown',
        userMessage: doubtful ? BLOCKED.userMessage : unknownOutcome(title),
      });
}

/** Turns a request that got no answer into what the caller should do next. */
export function lostAnswer(
  { provider, title }: Platform,
  error: unknown,
  effect: 'read' | 'write' | 'publish',
): unknown {
  if (!(error instanceof HttpFailure)) return error;
  const unknown = effect !== 'read' && error.sent;
  return new ProviderError({
    provider,
    kind: unknown ? 'unknown' : 'unavailable',
    code: unknown ? 'outcome_unknown' : 'provider_unavailable',
    lost: error.sent,
    message: `${title}: ${error.message}`,
    userMessage: unknown
      ? unknownOutcome(title)
      : `${title} cannot be reached at the moment. It is tried again.`,
  });
}

function unknownOutcome(title: string): string {
  return `${title}’s answer was lost. Look at the account before you post again.`;
}

/** Minutes until calls are accepted again, where Meta tells them (instagram-facts 6). */
function waitOf(provider: string, answer: HttpAnswer, row: MetaRow): { retryAfterMs?: number } {
  const usage = record(tryParse(header(answer, 'x-business-use-case-usage') ?? ''));
  const rows = Object.values(usage ?? {}).flatMap(records);
  // Other businesses and other uses of the app stand there as well.
  const own = rows.filter(({ type }) => type === provider);
  const minutes = (own.length > 0 ? own : rows).map(
    (one) => amount(one['estimated_time_to_regain_access']) ?? 0,
  );
  const longest = Math.max(0, ...minutes);
  if (row.kind === 'quota' && longest > 0) return { retryAfterMs: longest * MINUTE };
  const seconds = amount(header(answer, 'retry-after'));
  if (seconds !== null) return { retryAfterMs: seconds * SECOND };
  return row.retryAfterMs === undefined ? {} : { retryAfterMs: row.retryAfterMs };
}

function header(answer: HttpAnswer, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}
