import type { Usage } from '../../reading.ts';
import { cleanJson, cleanText } from '../clean.ts';
import { ProviderError } from '../errors.ts';
import { id, moment, record, records, text, tryParse } from '../json.ts';
import type { Platform } from './errors.ts';
import { type GraphAnswer, type GraphCall, readGraph } from './graph.ts';

/* What reading has in common on Meta's platforms: one call, and how its answer is copied. */

type Json = Readonly<Record<string, unknown>>;

export interface Told {
  body: Json;
  usage: Usage | null;
}

/**
 * One read.
 * @param about `list` with a cursor: a refusal of the request is one of the cursor; `thing`: what does not exist is
 *   `gone`
 * @throws ProviderError
 */
export async function readOnce(
  platform: Platform,
  call: Omit<GraphCall, 'effect' | 'method'>,
  about: 'thing' | 'list' | null = null,
): Promise<Told> {
  try {
    return told(await readGraph(platform, { ...call, effect: 'read' }));
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw inWordsOfReading(error, about);
  }
}

const told = ({ body, usage }: GraphAnswer): Told => ({
  body,
  usage:
    usage === null
      ? null
      : {
          percent: usage.percent ?? null,
          ...(usage.retryAfterMs === undefined ? {} : { regainMs: usage.retryAfterMs }),
        },
});

/** Code 1 with this text: the page is too large (instagram-facts 12). */
const TOO_MUCH = /reduce the amount of data/i;

/** The catalogue's errors are about publishing. */
function inWordsOfReading(error: ProviderError, about: 'thing' | 'list' | null): ProviderError {
  const { init } = error;
  if (TOO_MUCH.test(error.providerMessage ?? '') || init.tooLong === true)
    return new ProviderError({ ...init, kind: 'rejected', code: 'too_much_data' });
  if (about === 'thing' && isMissing(error)) return new ProviderError({ ...init, kind: 'gone', steps: [] });
  if (about === 'list' && error.kind === 'rejected')
    return new ProviderError({ ...init, code: 'cursor_refused' });
  return error;
}

/** "Not found, or no permission, or something else": alone, it proves nothing (instagram-facts 5.2, threads-facts 5). */
const MISSING = new Set(['100/33', '24/4279009', '24/2207006', '803']);

export const isMissing = ({ providerCode }: ProviderError): boolean => MISSING.has(providerCode ?? '');

/** A person's text, as PostgreSQL can store it; null if there is none. */
export function words(value: unknown): string | null {
  const said = text(value);
  return said === null ? null : cleanText(said);
}

/** The id of an object such as `{id}`, or an id itself. */
export const idOf = (value: unknown): string | null => id(record(value)?.['id']) ?? id(value);

/** ISO 8601 with `+0000`; null if there is no plausible time. */
export function graphTime(value: unknown): Date | null {
  return moment(Date.parse(text(value) ?? '') / 1000);
}

/** Fields that hold the URL of a file or of a page of a list: they are signed, or carry the token. */
const SIGNED = /(?:media|thumbnail|picture|gif)_?url$|^(?:paging|next|previous)$/i;

/** What the platform sent, without URLs that hold a token or a signature. */
export function rawOf(row: Json): Json {
  const bare = JSON.stringify(row, (key, value: unknown) =>
    SIGNED.test(key) || hasToken(value) ? undefined : value,
  );
  return record(tryParse(cleanJson(bare))) ?? {};
}

const hasToken = (value: unknown): boolean => typeof value === 'string' && value.includes('access_token=');

/** The rows of a list. @throws ProviderError if the answer is no list: it says nothing about the list's end */
export function rowsOf({ provider, title }: Platform, body: Json): Json[] {
  const { data } = body;
  if (Array.isArray(data)) return records(data);
  throw new ProviderError({
    provider,
    kind: 'unavailable',
    code: 'provider_unavailable',
    message: `${title} answered a list without data`,
    userMessage: `${title} does not respond properly at the moment. Everpost will try again.`,
  });
}
