import { ProviderError } from '../errors.ts';
import { HttpFailure, type HttpAnswer } from '../http.ts';
import { id, record, text, tryParse } from '../json.ts';
import { AGAIN, BLOCKED, META_NAMES, type MetaRow, RATE, rowOfCode } from './codes.ts';
import { retryAfter, toldWait, usageOf } from './usage.ts';

/* Reads the answers of Meta's Graph APIs; codes.ts has the meaning of their codes. */

/** The platform that answers: both use the same codes under different names. */
export interface Platform {
  provider: 'instagram' | 'threads';
  title: string;
}

/** Answers after which posts were seen live all the same (instagram-facts 9.4). */
const DOUBTFUL = new Set(['4/2207051']);
/** "Not found, or no permission, or something else" (instagram-facts 5.2). */
const AMBIGUOUS = new Set(['100/33']);

/** The error in an answer. */
export interface MetaFailure {
  code: string | null;
  subcode: string | null;
  message: string | null;
  transient: boolean;
  traceId: string | null;
  /** For the account's owner, in the owner's language (instagram-facts 5.1). */
  userMessage: string | null;
}

/** Reads both envelopes: `error{}` and the flat one of the code exchanges. @returns null if the body holds no error */
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

/** Leaves out a title that the message repeats. */
function sentenceOf(title: string | null, message: string | null): string | null {
  if (title === null || message === null || message.includes(title)) return message ?? title;
  return `${title.replace(/[.:]$/, '')}: ${message}`;
}

/**
 * A name may stand anywhere in the body, whatever its shape (threads-facts 5). Names that are also ordinary words count
 * only outside of quotation marks.
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

/** All names and texts, at any depth. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...stringsIn(inner)]);
}

/** Cuts the text between the first and the last quotation mark: it may be a user's. */
function withoutQuoted(said: string): string {
  const from = said.search(/["“”„«]|(?<!\w)['‘]/);
  if (from === -1) return said;
  const to = Math.max(...['"', '”', '“', '»', '’', "'"].map((mark) => said.lastIndexOf(mark)));
  const quoted = said.slice(from + 1, to);
  // Unless the quoted text is exactly a name.
  return Object.hasOwn(META_NAMES, quoted) ? said : said.slice(0, from) + said.slice(Math.max(from, to) + 1);
}

/**
 * Reads an answer of a Graph API.
 * @param effect `publish` if the call makes something visible: then an unclear answer, and the answers after which
 *   posts were seen live, are `unknown`
 * @throws ProviderError for everything but a success
 */
export function readAnswer(
  platform: Platform,
  answer: HttpAnswer,
  effect: 'read' | 'write' | 'publish',
): Readonly<Record<string, unknown>> {
  const parsed = tryParse(answer.text);
  // Some calls answer with just `true` (instagram-facts 2.6).
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
  const { percent } = usageOf(provider, answer.headers) ?? {};
  const said = {
    provider,
    ...(percent === undefined ? {} : { percent }),
    providerCode: name,
    providerMessage: failure?.message ?? null,
    providerUserMessage: failure?.userMessage ?? null,
    logId: failure?.traceId ?? header(answer, 'x-fb-trace-id'),
    message: `${title} answered ${answer.status} ${name ?? 'without a readable body'}`,
  };
  const row = rowOf(failure, answer.text);
  const doubtful = effect === 'publish' && name !== null && DOUBTFUL.has(name);
  // "Server error" does not say what the server did before it failed.
  const broke = effect === 'publish' && (row === AGAIN || AMBIGUOUS.has(name ?? ''));
  // The code counts before the status: Meta answers a wrong kind of id with 500 (threads-facts 4.4).
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
      userMessage: `${title} refused the post with "${name}". Nothing was published.`,
    });
  if (answer.status === 429)
    return new ProviderError({ ...said, ...RATE, ...waitOf(provider, answer, RATE) });
  return effect === 'read'
    ? new ProviderError({
        ...said,
        kind: 'unavailable',
        code: 'provider_unavailable',
        userMessage: `${title} does not respond properly at the moment. Everpost will try again.`,
      })
    : new ProviderError({
        ...said,
        kind: 'unknown',
        code: doubtful ? BLOCKED.code : 'outcome_unknown',
        userMessage: doubtful ? BLOCKED.userMessage : unknownOutcome(title),
      });
}

/** Turns a request without an answer into the caller's next step. */
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
    ...(error.tooLong ? { tooLong: true } : {}),
    message: `${title}: ${error.message}`,
    userMessage: unknown
      ? unknownOutcome(title)
      : `${title} cannot be reached at the moment. Everpost will try again.`,
  });
}

function unknownOutcome(title: string): string {
  return `${title}’s answer was lost. Check the account before you post again.`;
}

/** The platform's own time counts before the time of our table. */
function waitOf(
  provider: string,
  { headers }: HttpAnswer,
  row: MetaRow,
): { retryAfterMs?: number; retryTold?: boolean } {
  const told = row.kind === 'quota' ? toldWait(provider, headers) : retryAfter(headers);
  // The header is about calls: it does not say when a platform accepts posts again.
  if (told !== null) return { retryAfterMs: told, ...(row.everyCall === true ? { retryTold: true } : {}) };
  return row.retryAfterMs === undefined ? {} : { retryAfterMs: row.retryAfterMs };
}

function header(answer: HttpAnswer, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}
