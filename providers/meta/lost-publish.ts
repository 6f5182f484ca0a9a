import { ProviderError } from '../errors.ts';
import { id, record, records, text } from '../json.ts';
import type { LookUp, Lost, PostContext } from '../publishing.ts';
import { HOUR, MINUTE } from '../../durations.ts';
import { rowOfCode } from './codes.ts';
import { type Containers, standing } from './containers.ts';
import { callGraph } from './graph.ts';

/**
 * Finds out what happened to a publish whose answer was lost, from its container (instagram-facts 4.4,
 * threads-facts 4.5).
 */
export async function lookUpPublish(
  containers: Containers,
  context: PostContext,
  container: string,
  lost: Lost & Wanted,
): Promise<LookUp> {
  const { status } = await standing(containers, context, container);
  switch (status) {
    case 'PUBLISHED': {
      const fitting = await findPosts(containers, context, lost).catch((error: unknown) =>
        withoutId(error, lost),
      );
      if (fitting?.length === 0 && lost.at.getTime() > Date.now() - LISTED_MS) return { kind: 'open' };
      const [only, another] = fitting ?? [];
      const known = only === undefined || another !== undefined ? {} : { providerPostId: only };
      return { kind: 'happened', written: { logId: null, ...known } };
    }
    case 'IN_PROGRESS':
      return { kind: 'open' };
    case 'FINISHED':
      return whyNot(containers, lost) ?? { kind: 'nothing' };
    case 'ERROR':
    case 'EXPIRED': {
      const why = whyNot(containers, lost);
      return why?.kind === 'refused' ? why : { kind: 'nothing' };
    }
  }
}

/** The list may lag behind (threads-facts 4.5). */
const LISTED_MS = 30_000;

/**
 * Interprets the lost publish's error code, once it is known that nothing happened: some codes are refusals after all;
 * others mean that the container will not improve and must be created again after a few tries (instagram-facts 5.2).
 */
function whyNot(
  { platform: { provider, title } }: Containers,
  { code, again }: Lost & Wanted,
): LookUp | null {
  const row = code === null ? null : rowOfCode(code);
  if (row === null) return null;
  const message = `${title} answered ${code} and did not publish`;
  const error = new ProviderError({ ...row, provider, message, providerCode: code, steps: again });
  if (row.kind === 'rejected') return { kind: 'refused', error };
  return row.tries === undefined ? null : { kind: 'nothing', error };
}

/** The post is live, with or without its id. If listing is refused, do not ask again; if it fails, ask for an hour. */
function withoutId(error: unknown, { at }: Lost): null {
  if (!(error instanceof ProviderError) || error.kind === 'token') throw error;
  const passes = error.kind === 'unavailable' || error.kind === 'quota';
  if (passes && at.getTime() > Date.now() - HOUR) throw error;
  return null;
}

const SKEW_MS = MINUTE;

/** How to recognize the post whose id is missing. */
interface Wanted {
  /** The writes to repeat for a new container. */
  again: readonly string[];
  /** The account's list that contains the post. */
  list: string;
  caption: string | null;
  /** The values of its kind's fields, for lists that have them. */
  kind: Readonly<Record<string, string>>;
  /** The post that it replies to, if it is a reply. */
  replyTo?: string | undefined;
}

/**
 * The account's posts since then with this text, except known posts and other parts of the same post. Never just takes
 * the newest.
 */
async function findPosts(
  { platform, call, account, textField }: Containers,
  context: PostContext,
  { at, others, list, caption, kind, replyTo }: Lost & Wanted,
): Promise<string[]> {
  const since = Math.floor((at.getTime() - SKEW_MS) / 1000);
  const answer = await callGraph(platform, {
    ...call(context),
    path: `${account(context)}/${list}`,
    params: {
      fields: [
        'id',
        'timestamp',
        textField,
        ...Object.keys(kind),
        ...(replyTo === undefined ? [] : ['replied_to']),
      ].join(','),
      since: String(since),
      limit: '50',
    },
    effect: 'read',
  });
  const known = new Set([...Object.values(context.made), ...others]);
  const fitting = records(answer['data']).filter((row) => {
    if (known.has(id(row['id']) ?? '')) return false;
    if (Object.entries(kind).some(([name, value]) => (text(row[name]) ?? value) !== value)) return false;
    if (replyTo !== undefined && id(record(row['replied_to'])?.['id']) !== replyTo) return false;
    const time = Date.parse((text(row['timestamp']) ?? '').replace(/\+0000$/, 'Z'));
    // Platforms trim white space.
    return (text(row[textField]) ?? '').trim() === (caption ?? '').trim() && !(time < since * 1000);
  });
  return fitting.map((row) => id(row['id'])).filter((found) => found !== null);
}
