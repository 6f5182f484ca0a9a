import { json, type Call, type Reply, type Route } from '../core/http.ts';
import { graphErrorBody, refuseGraph } from '../meta/errors.ts';
import { graphParams, tokenOf } from '../meta/request.ts';
import type { Instagram } from './context.ts';
import { versioned } from './graph.ts';
import type { Token } from './people.ts';

/** instagram-facts 2.5: GET /debug_token at graph.facebook.com, with the app's token. */
export function debugRoutes(instagram: Instagram): Route[] {
  const { app, core, options, state } = instagram;

  /** Clients do not know the sandbox clock: shift the time so that it is as far away on the real clock. */
  function seconds(ms: number): number {
    return Math.floor((ms - core.clock.offsetMs) / 1_000);
  }

  function problemOf({ dead, expiresAt, holder }: Token): object | null {
    const expired = expiresAt !== null && expiresAt <= core.clock.now() ? 463 : null;
    const subcode = dead ?? expired ?? (state.grants[holder] === undefined ? 458 : null);
    if (subcode === null) return null;
    return { code: 190, message: 'Error validating access token: Session has expired.', subcode };
  }

  /** Without target ids all pages are granted, later ones too (instagram-facts 2.5). */
  function granular(held: Token): object[] {
    const grant = state.grants[held.holder];
    const about = (grant?.scopes ?? []).filter((scope) => /^(pages|instagram)_/.test(scope));
    return about.map((scope) => {
      if (grant === undefined || grant.pages === null) return { scope };
      const accounts = state.pages.filter(({ id }) => grant.pages?.includes(id));
      const ids = scope.startsWith('pages_')
        ? accounts.map(({ id }) => id)
        : accounts.flatMap(({ instagramId }) => instagramId ?? []);
      return { scope, target_ids: ids };
    });
  }

  function view(held: Token): object {
    const problem = problemOf(held);
    const grant = state.grants[held.holder];
    const access = (grant?.at ?? held.issuedAt) + options.dataAccessSeconds * 1_000;
    return {
      app_id: app.appId,
      type: held.kind === 'page' ? 'PAGE' : 'USER',
      application: 'sandbox',
      data_access_expires_at: seconds(access),
      ...(problem === null ? {} : { error: problem }),
      expires_at: held.expiresAt === null ? 0 : seconds(held.expiresAt),
      is_valid: problem === null,
      issued_at: seconds(held.issuedAt),
      ...(held.kind === 'page' ? { profile_id: held.pageId } : {}),
      scopes: grant?.scopes ?? [],
      granular_scopes: granular(held),
      user_id: held.holder,
    };
  }

  async function debug(call: Call): Promise<Reply> {
    const params = await graphParams(call);
    if (tokenOf(call, params) !== `${app.appId}|${app.appSecret}`) {
      const message =
        '(#100) You must provide an app access token, or a user access token that is an owner or developer of the app';
      refuseGraph({ code: 100, message });
    }
    const held = state.tokens[params.get('input_token') ?? ''];
    if (held === undefined || held.kind === 'login') {
      const error = { code: 190, message: 'Invalid OAuth access token.' };
      return json(200, JSON.stringify({ data: { error, is_valid: false, scopes: [] } }));
    }
    return json(200, JSON.stringify({ data: view(held) }));
  }

  return versioned('/graph/debug_token').map((path) => ({
    method: 'GET',
    path,
    endpoint: 'instagram.debug_token',
    errorBody: graphErrorBody,
    handle: debug,
  }));
}
