import type { Usage } from '../../reading.ts';
import { DAY, HOUR, MINUTE } from '../../durations.ts';
import { ProviderError } from '../errors.ts';
import { readOnce } from '../meta/reads.ts';
import type { Cadence, ReadCall } from '../reading.ts';
import { INSTAGRAM, type Login } from './client.ts';

/* How Instagram is read: the calls of one read, how often, and what a refusal means. */

export type Json = Readonly<Record<string, unknown>>;

/** Meta counts calls over 24 hours and tells only percentages of an unknown number (instagram-facts 6, threads-facts 1). */
export const READS = { name: 'reads', window: HOUR, most: null } as const;

/** The list of an account's media. */
export const OF_LISTS: Cadence = {
  kind: 'list',
  young: DAY,
  often: 15 * MINUTE,
  rest: HOUR,
  most: 12 * HOUR,
};

const LATER = [
  { under: 3 * DAY, every: 3 * HOUR },
  { under: 7 * DAY, every: 12 * HOUR },
  { under: 30 * DAY, every: DAY },
  { under: 90 * DAY, every: 7 * DAY },
];

/** The numbers of one media, by its age; once more when they have settled, after 48 hours. */
export const OF_INSIGHTS: Cadence = {
  kind: 'age',
  rows: [{ under: 6 * HOUR, every: 15 * MINUTE }, { under: DAY, every: HOUR }, ...LATER],
  after: null,
  once: 2 * DAY,
};

const ofComments = (young: number): Cadence => ({
  kind: 'age',
  rows: [{ under: DAY, every: young }, ...LATER],
  after: null,
});

/** What people wrote below one media. */
export const OF_COMMENTS = ofComments(5 * MINUTE);
/** The same where events tell of new ones. */
export const OF_COMMENTS_WITH_EVENTS = ofComments(HOUR);

/** The calls of one read. */
export interface Reads {
  /** @throws ProviderError; also `cursor_refused` and `too_much_data`, which mean something to lists only */
  get(path: string, params: Readonly<Record<string, string>>): Promise<Json>;
  /** So far: the calls, and what the last answer that told anything said about the allowance. */
  told(): { calls: number; usage: Usage | null };
}

/** Counts the calls of one read. */
export function createReads({ call: host }: Login, { accessToken, signal }: ReadCall): Reads {
  let calls = 0;
  let usage: Usage | null = null;
  return {
    async get(path, params) {
      calls += 1;
      const about = params['after'] === undefined ? 'thing' : 'list';
      const told = await readOnce(INSTAGRAM, { ...host, path, params, accessToken, signal }, about);
      usage = told.usage ?? usage;
      return told.body;
    },
    told: () => ({ calls, usage }),
  };
}

/** The platform's code without the subcode. */
export const codeOf = ({ providerCode }: ProviderError): string => (providerCode ?? '').split('/')[0] ?? '';

/** The answer has another shape than expected: a read can be repeated. */
export function unreadableList(message: string): ProviderError {
  return new ProviderError({
    provider: 'instagram',
    kind: 'unavailable',
    code: 'provider_unavailable',
    message: `Instagram: ${message}`,
    userMessage: 'Instagram does not respond properly at the moment. Everpost will try again.',
  });
}
