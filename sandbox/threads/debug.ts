import { json, type Call, type Reply, type Route } from '../core/http.ts';
import { graphErrorBody } from '../meta/errors.ts';
import { graphParams } from '../meta/request.ts';
import { tokenProblem, type CheckAccess } from './access.ts';
import type { Threads } from './context.ts';
import { versioned } from './graph.ts';

/** threads-facts 2.7: the caller needs a valid user token of the same app. */
export function debugRoutes(threads: Threads, access: CheckAccess): Route[] {
  const { core, options, state } = threads;

  /** Clients do not know the sandbox clock: shift the time so that it is as far away on the real clock. */
  function seconds(ms: number): number {
    return Math.floor((ms - core.clock.offsetMs) / 1_000);
  }

  async function debug(call: Call): Promise<Reply> {
    const params = await graphParams(call);
    access(call, params);
    const held = state.tokens[params.get('input_token') ?? ''];
    if (held === undefined) {
      const error = { code: 190, message: 'Failed to decode' };
      return json(200, JSON.stringify({ data: { error, is_valid: false, scopes: [] } }));
    }
    const problem = tokenProblem(threads, held);
    const grant = state.grants[held.userId];
    const data = {
      type: 'USER',
      application: 'sandbox',
      data_access_expires_at: seconds(grant?.expiresAt ?? held.issuedAt + options.grantSeconds * 1_000),
      ...(problem === null ? {} : { error: { code: 190, ...problem } }),
      expires_at: seconds(held.expiresAt),
      is_valid: problem === null,
      issued_at: seconds(held.issuedAt),
      scopes: grant?.scopes ?? [],
      user_id: held.userId,
    };
    return json(200, JSON.stringify({ data }));
  }

  return versioned('/debug_token').map((path) => ({
    method: 'GET',
    path,
    endpoint: 'threads.debug_token',
    errorBody: graphErrorBody,
    handle: debug,
  }));
}
