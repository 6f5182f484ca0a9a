import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/**
 * Lets a closing server end with its last answer. Node.js closes the connections that are idle when the closing begins;
 * one that becomes idle a moment later would keep the process for as long as it is kept alive.
 */
export function endIdleConnections(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), 50).unref();
    app.server.once('close', () => clearInterval(timer));
  });
}

/** Whether all of a request has come. One that `inject` has made says nothing of it: it is there as a whole. */
export function hasArrived(raw: IncomingMessage): boolean {
  const complete: unknown = Reflect.get(raw, 'complete');
  return complete !== false;
}

/** How long the rest of a body may come after its request was answered: long enough for a client to read the answer. */
const REST_MS = 2_000;

/** Ends connections whose request was answered before its body had come, which Node.js would read to its end. */
export function endUnreadBodies(app: FastifyInstance): void {
  app.addHook('onResponse', async ({ raw }) => {
    if (hasArrived(raw)) return;
    const timer = setTimeout(() => raw.complete || raw.socket.destroy(), REST_MS).unref();
    raw.once('close', () => clearTimeout(timer));
  });
}
