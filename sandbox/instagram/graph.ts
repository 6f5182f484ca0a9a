import { json, type Call, type Reply, type Route } from '../core/http.ts';
import { stringify } from '../core/json.ts';
import { graphErrorBody, refuseGraph } from '../meta/errors.ts';
import { parseFields, plain, select, type Field, type GraphNode } from '../meta/fields.ts';
import { graphParams } from '../meta/request.ts';
import { NEWEST_VERSION, OLDEST_VERSION } from './app.ts';
import type { Access, CheckAccess, Stack } from './access.ts';
import type { Instagram } from './context.ts';
import { usageHeadersOf, usageOf } from './usage.ts';

export interface GraphRequest {
  call: Call;
  params: URLSearchParams;
  access: Access;
  stack: Stack;
  /** The id in the path. */
  id: string;
}

interface GraphRoute {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  endpoint: string;
  variant?: (call: Call) => string | null;
  /** Absent: on both hosts. */
  only?: Stack;
  handle: (request: GraphRequest) => object | Promise<object>;
}

export const HOSTS: Record<Stack, string> = { facebook: '/graph', login: '/graph-instagram' };

/** A path of the Graph API, with and without a version, on one host or both (instagram-facts 1.1). */
export function graphRoutes(instagram: Instagram, access: CheckAccess, routes: GraphRoute[]): Route[] {
  let answers = 0;

  function usageHeaders(granted: Access): Record<string, string> {
    answers += 1;
    const told = usageOf(instagram, granted.held);
    if (told !== null) return usageHeadersOf(told);
    const { usageHeaders: when } = instagram.options;
    // instagram-facts 6: not on every answer.
    if (when === 'never' || (when === 'sometimes' && answers % 3 !== 0)) return {};
    const percent = access.usage(granted);
    return {
      'x-app-usage': JSON.stringify({ call_count: percent, total_time: percent, total_cputime: percent }),
    };
  }

  function toRoutes({ path, only, handle, ...route }: GraphRoute): Route[] {
    const stacks: Stack[] = only === undefined ? ['facebook', 'login'] : [only];
    return stacks.flatMap((stack) => {
      async function answer(call: Call): Promise<Reply> {
        const headers = versionHeaders(call.params['version']);
        const params = await graphParams(call);
        refuseManyIds(params);
        const granted = access.check(call, params, stack);
        const id = call.params['id'] ?? '';
        const body = await handle({ call, params, access: granted, stack, id });
        return json(200, stringify(body), { ...headers, ...usageHeaders(granted) });
      }
      return versioned(HOSTS[stack] + path).map((full) => ({
        ...route,
        path: full,
        errorBody: graphErrorBody,
        handle: answer,
      }));
    });
  }

  return routes.flatMap(toRoutes);
}

/** `/graph/me` is served too: without a version, the app's default applies (instagram-facts 1.1). */
export function versioned(path: string): string[] {
  const [, host, rest] = /^(\/[^/]+)(.*)$/.exec(path) ?? [];
  return [`${host}/{version}${rest}`, path];
}

/** instagram-facts 1.1: an expired version is served by the next live one, with a warning. */
function versionHeaders(version: string | undefined): Record<string, string> {
  if (version === undefined) return {};
  const number = Number(version.slice(1));
  if (number > NEWEST_VERSION) {
    refuseGraph({ code: 2_500, message: `Unknown path components: /${version}` });
  }
  if (number >= OLDEST_VERSION) return {};
  const text = `The call has been auto-upgraded to v${OLDEST_VERSION}.0 as ${version} has been deprecated`;
  return { 'x-ad-api-version-warning': text };
}

/** No version serves requests for several ids to a new app (instagram-facts 12). */
function refuseManyIds(params: URLSearchParams): void {
  if (!params.has('ids')) return;
  refuseGraph({ code: 100, message: '(#100) Requests for multiple ids are not supported' });
}

/** The fields of a request, or these defaults. */
export function fieldsOf(params: URLSearchParams, defaults: string[]): Field[] {
  return parseFields(params.get('fields')) ?? plain(defaults);
}

export function pick(node: GraphNode, type: string, fields: Field[]): GraphNode {
  return select(node, type, fields, nonexisting);
}

function nonexisting(field: string, type: string): never {
  const message = `(#100) Tried accessing nonexisting field (${field}) on node type (${type})`;
  return refuseGraph({ code: 100, message });
}
