import { once } from 'node:events';
import { connect } from 'node:net';

/** Length 8, then the code of the protocol's "SSLRequest". */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * Asks a server whether it supports TLS, which `sslmode=prefer` needs to know; node-postgres would fail if it does not.
 * @throws Error if the server does not answer within `ms`
 */
export async function offersTls(
  { host, port }: { host: string; port: number },
  ms: number,
): Promise<boolean> {
  const signal = AbortSignal.timeout(ms);
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    socket.write(SSL_REQUEST);
    const [answer]: Buffer[] = await once(socket, 'data', { signal });
    return answer?.toString('latin1', 0, 1) === 'S';
  } finally {
    socket.on('error', () => {}).destroy();
  }
}
