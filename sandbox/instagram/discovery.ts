import type { Route } from '../core/http.ts';
import { refuseGraph } from '../meta/errors.ts';
import { Nested, type GraphNode } from '../meta/fields.ts';
import { paginate } from '../meta/paging.ts';
import { notFound, requireScope, type CheckAccess } from './access.ts';
import { accountOf, grantedPages, type Instagram } from './context.ts';
import { fieldsOf, graphRoutes, pick, type GraphRequest } from './graph.ts';
import { removeApp, removeScope } from './grants.ts';
import { accountNode } from './nodes.ts';
import type { FacebookPage } from './people.ts';
import { pageToken } from './tokens.ts';

/** instagram-facts 2.4 and 2.6: the granted permissions, the pages and accounts, and revoking. */
export function discoveryRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { state } = instagram;

  function permissions(request: GraphRequest): object {
    const userId = userOf(request);
    const declined = state.users.find(({ id }) => id === userId)?.declined ?? [];
    const granted = request.access.scopes.map((permission) => ({ permission, status: 'granted' }));
    return {
      data: [...granted, ...declined.map((permission) => ({ permission, status: 'declined' }))],
    };
  }

  function pageNode({ access: { held, scopes } }: GraphRequest, page: FacebookPage): GraphNode {
    const account = page.instagramId === null ? undefined : accountOf(instagram, page.instagramId);
    const linked = account !== undefined && scopes.includes('instagram_basic') ? account : undefined;
    const tasks = page.admins.find(({ userId }) => userId === held.holder)?.tasks;
    return {
      id: page.id,
      name: page.name,
      category: 'Creator',
      access_token: pageToken(instagram, held, page.id),
      tasks,
      instagram_business_account: linked && new Nested('IGUser', accountNode(instagram, linked, 'facebook')),
    };
  }

  /**
   * A page without an account lacks the field; pages of a portfolio need business_management (instagram-facts 2.4 and
   * 9.9).
   */
  function accounts(request: GraphRequest): object {
    const userId = userOf(request);
    requireScope(request.access, ['pages_show_list'], '');
    const all =
      request.access.scopes.includes('business_management') &&
      instagram.options.portfolioPages === 'accounts';
    return pages(
      request,
      grantedPages(instagram, userId).filter(({ portfolio }) => all || !portfolio),
    );
  }

  function businesses(request: GraphRequest): object {
    const userId = userOf(request);
    requireScope(request.access, ['business_management'], '');
    const owns = grantedPages(instagram, userId).some(({ portfolio }) => portfolio);
    const user = state.users.find(({ id }) => id === userId);
    return {
      data: owns && user !== undefined ? [{ id: user.businessId, name: `${user.name}'s portfolio` }] : [],
    };
  }

  /** The pages that a portfolio owns, and the pages shared with it, which are always none here. */
  function businessPages(request: GraphRequest, owned: boolean): object {
    requireScope(request.access, ['business_management', 'pages_show_list'], '');
    const { held } = request.access;
    const user = state.users.find(({ id }) => id === held.holder);
    if (held.kind !== 'user' || user?.businessId !== request.id) return notFound(request.id);
    return pages(
      request,
      grantedPages(instagram, user.id).filter(({ portfolio }) => owned && portfolio),
    );
  }

  function pages(request: GraphRequest, visible: FacebookPage[]): object {
    const rules = { defaultLimit: 25, maxLimit: 100, refuseOver: false, links: true };
    const { items, paging } = paginate(request.call, request.params, visible, rules);
    const fields = fieldsOf(request.params, ['id', 'name', 'access_token', 'tasks', 'category']);
    const data = items.map((page) => pick(pageNode(request, page), 'Page', fields));
    return { data, ...(paging === undefined ? {} : { paging }) };
  }

  /** Without a name the whole app is removed (instagram-facts 2.6). */
  function revoke(request: GraphRequest): object {
    const userId = userOf(request);
    const scope = request.call.params['permission'];
    if (scope === undefined) removeApp(instagram, userId, instagram.options.deauthorizeOnApiRevoke);
    else if (request.access.scopes.includes(scope)) removeScope(instagram, userId, scope);
    else refuseGraph({ code: 100, message: `(#100) The permission ${scope} was not granted` });
    return { success: true };
  }

  const only = 'facebook';
  const endpoint = 'instagram.permissions';
  return graphRoutes(instagram, access, [
    { method: 'GET', path: '/{id}/permissions', endpoint, only, handle: permissions },
    { method: 'DELETE', path: '/{id}/permissions', endpoint, only, handle: revoke },
    { method: 'DELETE', path: '/{id}/permissions/{permission}', endpoint, only, handle: revoke },
    { method: 'GET', path: '/{id}/accounts', endpoint: 'instagram.accounts', only, handle: accounts },
    { method: 'GET', path: '/{id}/businesses', endpoint: 'instagram.businesses', only, handle: businesses },
    {
      method: 'GET',
      path: '/{id}/owned_pages',
      endpoint: 'instagram.owned_pages',
      only,
      handle: (request) => businessPages(request, true),
    },
    {
      method: 'GET',
      path: '/{id}/client_pages',
      endpoint: 'instagram.client_pages',
      only,
      handle: (request) => businessPages(request, false),
    },
  ]);
}

/** `me` or the user's own id, with a user token. */
function userOf({ access: { held }, id }: GraphRequest): string {
  if (held.kind !== 'user' || (id !== 'me' && id !== held.holder)) return notFound(id);
  return held.holder;
}
