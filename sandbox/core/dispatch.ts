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

const HTML_ERROR = '<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>';

/** Finds the route, applies faults around it and keeps the log. */
export function createDispatch(core: Core, routes: Route[], controls: Route[]) {
  const find = createRouter(routes);
  const findControl = createRouter(controls);

  async function serve(call: Call, method: string): Promise<Reply | 'drop' | 'reset' | { truncated: Reply }> {
    const key = `${method} ${call.url.pathname}`;
    const control = findControl(method, call.url.pathname);
    if (control !== undefined) {
      call.text = await readText(call.incoming);
      return control.route.handle(call);
    }
    if (key.includes(' /_sandbox')) return json(404, JSON.stringify({ error: `no control ${key}` }));
    const { route, params } = find(method, call.url.pathname) ?? {};
    call.params = params ?? {};
    if (route?.streams === undefined) call.text = await readText(call.incoming);
    const entry = core.log.add(
      {
        at: new Date(core.clock.now()).toISOString(),
        endpoint: route?.endpoint ?? 'unknown',
        method,
        path: call.url.pathname + call.url.search,
        body: readableBody(call),
      },
      call.headers,
    );
    if (route === undefined) return noted(entry, { status: 404 });
    const variant = route.variant?.(call);
    const { slowMs, fault } = core.faults.take([
      route.endpoint,
      ...(variant ? [`${route.endpoint}:${variant}`] : []),
    ]);
    if (slowMs > 0) await sleep(slowMs, undefined, { signal: core.closing });
    if (fault !== undefined) entry.fault = fault.kind;
    call.fault = fault;
    if (fault?.kind === 'drop-before') return 'reset';
    if (fault?.when === 'before' && forced(route, fault) !== undefined) {
      if (route.streams) await drain(call.incoming);
      return noted(entry, forced(route, fault) ?? { status: 500 });
    }
    try {
      return afterwards(route, fault, noted(entry, await handled(route, call)));
    } catch (error) {
      entry.note = error instanceof Error ? error.message : 'unknown error';
      throw error;
    }
  }

  return async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { socket } = incoming;
    try {
      const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host ?? '127.0.0.1'}`);
      const { headers } = incoming;
      const call: Call = { url, params: {}, headers, text: '', incoming, fault: undefined };
      const outcome = await serve(call, incoming.method ?? 'GET');
      if (outcome === 'drop') socket.destroy();
      else if (outcome === 'reset') socket.resetAndDestroy();
      else if ('truncated' in outcome) truncate(response, outcome.truncated);
      else send(response, outcome);
    } catch (error) {
      if (error instanceof Refusal) send(response, error.reply);
      else if (error instanceof ClientGone || core.closing.aborted) socket.destroy();
      else
        send(response, {
          status: 500,
          body: `sandbox bug: ${error instanceof Error ? error.stack : 'unknown'}`,
        });
    } finally {
      core.store.touch();
    }
  };
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

function afterwards(route: Route, fault: Fault | undefined, reply: Reply) {
  switch (fault?.kind) {
    case 'accept-then-drop':
      return 'drop';
    case 'accept-then-500':
      return { status: 500, body: 'Internal Server Error' };
    case 'truncated':
      return { truncated: reply };
    case 'html':
    case 'status':
      return fault.when === 'after' ? (forced(route, fault) ?? reply) : reply;
    case 'drop-before':
    case 'drop-mid':
    case 'slow':
    case undefined:
      return reply;
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

function send(response: ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body ?? '');
  response.writeHead(reply.status, { ...reply.headers, 'content-length': body.length });
  response.end(body);
}

function truncate(response: ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body ?? '');
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Math.max(body.length, 1) });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
}
