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
