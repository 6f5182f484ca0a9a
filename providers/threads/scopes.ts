import { ProviderError } from '../errors.ts';
import { record } from '../json.ts';
import { callGraph } from '../meta/graph.ts';
import { THREADS, type ThreadsSettings } from './client.ts';

/** A call that only this scope is needed for, beyond `threads_basic` (sheet sections 4.7, 6.1 and 8.2). */
const TRIALS = {
  threads_content_publish: ['/me/threads_publishing_limit', { fields: 'quota_usage' }],
  threads_manage_replies: ['/me/threads_publishing_limit', { fields: 'reply_quota_usage' }],
  threads_read_replies: ['/me/replies', { limit: '1' }],
  threads_manage_insights: ['/me/threads_insights', { metric: 'likes', period: 'day' }],
  threads_manage_mentions: ['/me/mentions', { limit: '1' }],
  threads_delete: ['/me/threads_publishing_limit', { fields: 'delete_quota_usage' }],
} as const satisfies Record<string, readonly [path: string, params: Record<string, string>]>;

/** All that is asked for when an account is connected. */
export const SCOPES = ['threads_basic', ...Object.keys(TRIALS)];

/**
 * What was granted: as Threads tells it, which it does only where the account is a tester's of the app; else as calls are
 * refused (sheet sections 2.2 and 2.7).
 * @throws ProviderError
 */
export async function grantedScopes(
  settings: ThreadsSettings,
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

  const tried = await Promise.all(
    Object.entries(TRIALS).map(async ([scope, [path, params]]) =>
      (await isRefused(read(path, params))) ? null : scope,
    ),
  );
  return ['threads_basic', ...tried.filter((scope) => scope !== null)];
}

function nothingFrom(error: unknown): null {
  if (error instanceof ProviderError) return null;
  throw error;
}

/** Whether the permission is missing; whatever else goes wrong says nothing about that, and shows with the post that needs it. */
async function isRefused(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return false;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return error.kind === 'account';
  }
}
