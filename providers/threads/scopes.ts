import { ProviderError } from '../errors.ts';
import { record } from '../json.ts';
import { callGraph } from '../meta/graph.ts';
import type { Permissions } from '../permissions.ts';
import { THREADS, type ThreadsSettings } from './client.ts';

/** For each scope, a call that needs only this scope and `threads_basic` (threads-facts 4.7, 6.1 and 8.2). */
const TRIALS = {
  threads_content_publish: ['/me/threads_publishing_limit', { fields: 'quota_usage' }],
  threads_manage_replies: ['/me/threads_publishing_limit', { fields: 'reply_quota_usage' }],
  threads_read_replies: ['/me/replies', { limit: '1' }],
  threads_manage_insights: ['/me/threads_insights', { metric: 'likes', period: 'day' }],
  threads_manage_mentions: ['/me/mentions', { limit: '1' }],
  threads_delete: ['/me/threads_publishing_limit', { fields: 'delete_quota_usage' }],
} as const satisfies Record<string, readonly [path: string, params: Record<string, string>]>;

/**
 * Needed to publish posts and chains and to delete them (threads-facts 2.2). After a lost answer a chain continues only
 * if the reply can be found, which needs `threads_read_replies`.
 */
const DEFAULT = [
  'threads_basic',
  'threads_content_publish',
  'threads_manage_replies',
  'threads_read_replies',
  'threads_delete',
];
/** Replies with their moderation, mentions, and statistics (threads-facts 2.2). */
const SYNC = [
  'threads_read_replies',
  'threads_manage_replies',
  'threads_manage_mentions',
  'threads_manage_insights',
];
const PUBLISH = ['threads_basic', 'threads_content_publish'];

/** @param asked the scopes that the consent asks for; default: those that publishing and deleting need */
export function threadsPermissions(asked: readonly string[] = DEFAULT): Permissions<'THREADS_SCOPES'> {
  return {
    asked,
    sync: SYNC,
    required: PUBLISH.map((scope) => [scope]),
    capabilities: {
      publish: PUBLISH,
      delete: ['threads_delete'],
      read_media: ['threads_basic'],
      read_comments: ['threads_read_replies'],
      moderate: ['threads_manage_replies'],
      read_insights: ['threads_manage_insights'],
    },
    words: {
      threads_basic: 'read your Threads profile and posts',
      threads_content_publish: 'post to Threads for you',
      threads_manage_replies: 'reply for you, and control who can reply to you',
      threads_read_replies: 'read the replies to your posts',
      threads_manage_insights: 'read the statistics of your posts and profile',
      threads_manage_mentions: 'read where others mention you',
      threads_delete: 'delete your Threads posts',
      threads_keyword_search: 'search Threads by keyword',
      threads_location_tagging: 'add locations to your posts',
      threads_profile_discovery: 'read public profiles and their posts',
      threads_share_to_instagram: 'share your posts to Instagram',
    },
    setting: 'THREADS_SCOPES',
  };
}

/**
 * The granted scopes. Threads lists them only if the account is a tester of the app; otherwise each scope is tried with
 * a call (threads-facts 2.2 and 2.7).
 * @param asked the scopes that the consent asked for: no others can be granted
 * @throws ProviderError
 */
export async function grantedScopes(
  settings: ThreadsSettings,
  asked: readonly string[],
  accessToken: string,
  signal: AbortSignal,
): Promise<string[]> {
  const read = (path: string, params: Readonly<Record<string, string>>) =>
    callGraph(THREADS, {
      base: `${settings.graphUrl}/v1.0`,
      path,
      params,
      effect: 'read',
      accessToken,
      signal,
    });
  const told = await read('/debug_token', { input_token: accessToken }).catch(nothingFrom);
  const scopes = record(told?.['data'])?.['scopes'];
  if (Array.isArray(scopes)) return scopes.filter((scope) => typeof scope === 'string');

  const trials = new Map<string, readonly [string, Readonly<Record<string, string>>]>(Object.entries(TRIALS));
  const tried = await Promise.all(
    asked.map(async (scope) => {
      const trial = trials.get(scope);
      return trial !== undefined && (await isRefused(read(...trial))) ? null : scope;
    }),
  );
  return tried.filter((scope) => scope !== null);
}

function nothingFrom(error: unknown): null {
  if (error instanceof ProviderError) return null;
  throw error;
}

/** Whether the permission is missing. Other errors do not prove that; the post that needs the scope will show it. */
async function isRefused(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return false;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return error.kind === 'account';
  }
}
