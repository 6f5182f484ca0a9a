import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/**
 * Lets a closing server end with its last answer. Node.js closes only the connections that are idle when closing
 * begins; one that becomes idle a moment later would keep the process alive until its keep-alive timeout.
 */
export function endIdleConnections(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), 50).unref();
    app.server.once('close', () => clearInterval(timer));
  });
}

/** Whether the whole request has arrived. Requests made by `inject` have no such flag: they are always complete. */
export function hasArrived(raw: IncomingMessage): boolean {
  const complete: unknown = Reflect.get(raw, 'complete');
  return complete !== false;
}

/** How long the rest of a body may arrive after the answer: long enough for the client to read it. */
const REST_MS = 2_000;

/** Ends connections whose request was answered before its body had arrived; Node.js would read the body to its end. */
export function endUnreadBodies(app: FastifyInstance): void {
  app.addHook('onResponse', async ({ raw }) => {
    if (hasArrived(raw)) return;
    const timer = setTimeout(() => raw.complete || raw.socket.destroy(), REST_MS).unref();
    raw.once('close', () => clearTimeout(timer));
  });
}
