import { json, type Call, type Reply, type Route } from '../core/http.ts';
import { stringify } from '../core/json.ts';
import { graphErrorBody, refuseGraph } from '../meta/errors.ts';
import { parseFields, plain, select, type Field, type GraphNode } from '../meta/fields.ts';
import { graphParams } from '../meta/request.ts';
import { notFound } from './problems.ts';
import type { Access, CheckAccess } from './access.ts';
import type { Threads } from './context.ts';

export interface ThreadsRequest {
  call: Call;
  params: URLSearchParams;
  access: Access;
  /** The id in the path; `me` is replaced by the profile's own. */
  id: string;
}

interface ThreadsRoute {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  endpoint: string;
  variant?: (call: Call) => string | null;
  handle: (request: ThreadsRequest) => object | Promise<object>;
}

/** graph.threads.net, with v1.0 or without a version (threads-facts 1.1). */
export function versioned(path: string): string[] {
  return [`/threads/{version}${path}`, `/threads${path}`];
}

export function graphRoutes(threads: Threads, access: CheckAccess, routes: ThreadsRoute[]): Route[] {
  let answers = 0;

  /** Whether Threads sends them is UNCONFIRMED (threads-facts 1.3). */
  function usageHeaders({ usedPercent: percent }: Access): Record<string, string> {
    answers += 1;
    const { usageHeaders: when } = threads.options;
    if (when === 'never' || (when === 'sometimes' && answers % 3 !== 0)) return {};
    return {
      'x-app-usage': JSON.stringify({ call_count: percent, total_time: percent, total_cputime: percent }),
    };
  }

  return routes.flatMap(({ path, handle, ...route }) => {
    async function answer(call: Call): Promise<Reply> {
      const { version = 'v1.0', id = 'me' } = call.params;
      if (version !== 'v1.0') refuseGraph({ code: 2_500, message: `Unknown path components: /${version}` });
      const params = await graphParams(call);
      const granted = access(call, params);
      const own = id === 'me' ? granted.held.userId : id;
      const body = stringify(await handle({ call, params, access: granted, id: own }));
      return json(200, body, usageHeaders(granted));
    }
    return versioned(path).map((full) => ({
      ...route,
      path: full,
      errorBody: graphErrorBody,
      handle: answer,
    }));
  });
}

export function fieldsOf(params: URLSearchParams, defaults: string[]): Field[] {
  return parseFields(params.get('fields')) ?? plain(defaults);
}

/** A wrong type of id is answered like a wrong field, with HTTP 500 (threads-facts 4.4 and 11.8). */
export function pick({ options }: Threads, node: GraphNode, fields: Field[]): GraphNode {
  return select(node, 'Threads', fields, (field) => {
    const message = `Tried accessing nonexisting field (${field})`;
    return refuseGraph({ code: 100, message, type: 'THApiException', status: options.wrongFieldStatus });
  });
}

/** Edges of a profile are only for its own token. */
export function ownProfile({ access, id }: ThreadsRequest): string {
  return id === access.held.userId ? id : notFound(id);
}
