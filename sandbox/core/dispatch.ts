import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Core } from './core.ts';
import type { Fault } from './faults.ts';
import {
  ClientGone,
  drain,
  json,
  html,
  isForm,
  isJson,
  readText,
  Refusal,
  type Call,
  type Reply,
  type Route,
} from './http.ts';
import type { LogEntry } from './log.ts';
import { createRouter } from './routing.ts';
import { send, type Outcome } from './sending.ts';

const HTML_ERROR = '<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>';

/** Finds the route, applies faults around it and keeps the log. */
export function createDispatch(core: Core, routes: Route[], controls: Route[]) {
  const find = createRouter(routes);
  const findControl = createRouter(controls);

  async function serve(call: Call, method: string): Promise<Outcome> {
    const key = `${method} ${call.url.pathname}`;
    const control = findControl(method, call.url.pathname);
    if (control !== undefined) {
      call.text = await readText(call.incoming);
      return { reply: await control.route.handle(call) };
    }
    if (key.includes(' /_sandbox')) {
      return { reply: json(404, JSON.stringify({ error: `no control ${key}` })) };
    }
    const { route, params } = find(method, call.url.pathname) ?? {};
    call.params = params ?? {};
    if (route?.streams === undefined) call.text = await readText(call.incoming);
    const { entry, names } = record(route, call, method);
    if (route === undefined) return { reply: noted(entry, { status: 404 }) };
    const { slowMs, fault } = core.faults.take(names, entry.account);
    if (slowMs > 0) await sleep(slowMs, undefined, { signal: core.closing });
    if (fault !== undefined) entry.fault = fault.kind;
    call.fault = fault;
    if (fault?.kind === 'drop-before') return 'reset';
    const early = fault?.when === 'before' ? forced(route, fault) : undefined;
    if (early !== undefined) {
      if (route.streams) await drain(call.incoming);
      return { reply: noted(entry, early) };
    }
    try {
      const reply =
        fault?.kind === 'instead' ? await another(call, method, fault) : await handled(route, call);
      return afterwards(route, fault, noted(entry, reply));
    } catch (error) {
      entry.note = error instanceof Error ? error.message : 'unknown error';
      throw error;
    }
  }

  /** Counts the request and keeps it in the log. */
  function record(route: Route | undefined, call: Call, method: string) {
    const endpoint = route?.endpoint ?? 'unknown';
    const variant = route?.variant?.(call);
    const names = variant ? [endpoint, `${endpoint}:${variant}`] : [endpoint];
    const account = route?.account?.(call) ?? null;
    core.calls.add(names, account);
    const at = new Date(core.clock.now()).toISOString();
    const path = call.url.pathname + call.url.search;
    const seen = { at, endpoint, account, method, path, body: readableBody(call) };
    return { entry: core.log.add(seen, call.headers), names };
  }

  /** Answers as though the client had asked for another list, or with the token of another account. */
  async function another(call: Call, method: string, { path, authorization }: Fault): Promise<Reply> {
    const url = path === undefined ? call.url : new URL(path, call.url);
    const { route, params = {} } = find(method, url.pathname) ?? {};
    if (route === undefined) return { status: 404 };
    const headers = authorization === undefined ? call.headers : { ...call.headers, authorization };
    return handled(route, { ...call, url, params, headers });
  }

  return async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? '127.0.0.1'}`);
      const { headers } = incoming;
      const call: Call = { url, params: {}, headers, text: '', incoming, fault: undefined };
      await send(response, await serve(call, incoming.method ?? 'GET'), core.closing);
    } catch (error) {
      await send(response, failure(error, core.closing), core.closing);
    } finally {
      core.store.touch();
    }
  };
}

function failure(error: unknown, closing: AbortSignal): Outcome {
  if (error instanceof Refusal) return { reply: error.reply };
  if (error instanceof ClientGone || closing.aborted) return 'drop';
  return { reply: { status: 500, body: `sandbox bug: ${error instanceof Error ? error.stack : 'unknown'}` } };
}

async function handled(route: Route, call: Call): Promise<Reply> {
  try {
    return await route.handle(call);
  } catch (error) {
    if (error instanceof Refusal) return error.reply;
    throw error;
  }
}

function noted(entry: LogEntry, reply: Reply): Reply {
  entry.status = reply.status;
  return reply;
}

function forced(route: Route, fault: Fault): Reply | undefined {
  if (fault.kind === 'html') return html(fault.http, fault.body ?? HTML_ERROR);
  if (fault.kind !== 'status') return undefined;
  const body = fault.body ?? route.errorBody?.(fault.code, fault.message) ?? '';
  return { status: fault.http, headers: { 'content-type': 'application/json', ...fault.headers }, body };
}

function afterwards(route: Route, fault: Fault | undefined, reply: Reply): Outcome {
  switch (fault?.kind) {
    case 'accept-then-drop':
      return 'drop';
    case 'accept-then-500':
      return { reply: { status: 500, body: 'Internal Server Error' } };
    case 'truncated':
    case 'cut':
    case 'trickle':
      return { reply, spoilt: fault };
    case 'html':
    case 'status':
      return { reply: fault.when === 'after' ? (forced(route, fault) ?? reply) : reply };
    case 'drop-before':
    case 'drop-mid':
    case 'instead':
    case 'slow':
    case undefined:
      return { reply };
  }
}

function readableBody({ headers, text }: Call): unknown {
  if (text === '') return null;
  if (isForm(headers)) return Object.fromEntries(new URLSearchParams(text));
  if (!isJson(headers)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
