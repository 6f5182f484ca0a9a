import { json, type Call, type Reply, type Route } from '../core/http.ts';
import { graphErrorBody, refuseGraph } from '../meta/errors.ts';
import { graphParams, tokenOf } from '../meta/request.ts';
import { accountFor, notFound, pagesOf, requireScope, type CheckAccess } from './access.ts';
import { accountOf, type Instagram } from './context.ts';
import { FACEBOOK_ONLY, FIELDS } from './events.ts';
import { graphRoutes, versioned, type GraphRequest } from './graph.ts';
import { badParam } from './problems.ts';

const LOGIN_FIELDS = FIELDS.filter((field) => !FACEBOOK_ONLY.includes(field));
const PAGE_FIELDS = ['feed', 'mention', 'name', 'picture', 'conversations', 'ratings', 'videos'];

/** instagram-facts 8.4: subscriptions of a page or an account, and of the app. */
export function subscriptionRoutes(instagram: Instagram, access: CheckAccess): Route[] {
  const { app, options, state } = instagram;

  function read(request: GraphRequest): object {
    const fields = held(request).subscribed;
    return {
      data: fields.length === 0 ? [] : [{ id: app.appId, name: 'sandbox', subscribed_fields: fields }],
    };
  }

  /** A page with its own token, or the account of Instagram Login. */
  function held({ access: granted, id, stack }: GraphRequest): { subscribed: string[] } {
    if (stack === 'login') return accountOf(instagram, accountFor(instagram, granted, id).id);
    requireScope(granted, ['pages_manage_metadata'], '');
    const page = pagesOf(instagram, granted).find((candidate) => id === 'me' || candidate.id === id);
    if (granted.held.kind !== 'page' || page === undefined) return notFound(id);
    return page;
  }

  /** Whether Instagram's field names are valid on a page is UNCONFIRMED (instagram-facts 8.4). */
  function subscribe(request: GraphRequest): object {
    const owner = held(request);
    const known =
      request.stack === 'login'
        ? LOGIN_FIELDS
        : [...PAGE_FIELDS, ...(options.instagramFieldsOnPages ? FIELDS : [])];
    const fields = request.params.get('subscribed_fields')?.split(',') ?? [];
    if (fields.length === 0) badParam('The parameter subscribed_fields is required');
    for (const [index, field] of fields.entries()) {
      if (!known.includes(field)) {
        badParam(`Param subscribed_fields[${index}] must be one of {${known.join(', ')}}`);
      }
    }
    owner.subscribed = fields;
    return { success: true };
  }

  function unsubscribe(request: GraphRequest): object {
    held(request).subscribed = [];
    return { success: true };
  }

  /** The app's own subscription: needs the app's token, and does the handshake at once. */
  async function subscribeApp(call: Call): Promise<Reply> {
    const params = await graphParams(call);
    if (tokenOf(call, params) !== `${app.appId}|${app.appSecret}`) {
      refuseGraph({ code: 15, message: '(#15) This method must be called with an app access_token.' });
    }
    if (params.get('object') !== 'instagram') badParam('Param object must be instagram');
    const fields = params.get('fields')?.split(',') ?? [];
    if (fields.length === 0 || fields.some((field) => !FIELDS.includes(field)))
      badParam('Param fields is invalid');
    const url = params.get('callback_url') ?? badParam('The parameter callback_url is required');
    const before = { webhookUrl: app.webhookUrl, verifyToken: app.verifyToken };
    Object.assign(app, { webhookUrl: url, verifyToken: params.get('verify_token') });
    state.verifiedUrl = null;
    const problem = await instagram.verify(url);
    if (problem !== null) {
      Object.assign(app, before);
      refuseGraph({ code: 2_200, message: `(#2200) Callback verification failed: ${problem}` });
    }
    state.appFields = fields;
    return json(200, JSON.stringify({ success: true }));
  }

  const shared = { path: '/{id}/subscribed_apps', endpoint: 'instagram.subscribed_apps' };
  return [
    ...graphRoutes(instagram, access, [
      { method: 'GET', ...shared, handle: read },
      { method: 'POST', ...shared, handle: subscribe },
      { method: 'DELETE', ...shared, handle: unsubscribe },
    ]),
    ...versioned('/graph/{id}/subscriptions').map((path) => ({
      method: 'POST',
      path,
      endpoint: 'instagram.subscriptions',
      errorBody: graphErrorBody,
      handle: subscribeApp,
    })),
  ];
}
