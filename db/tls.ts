import { once } from 'node:events';
import { connect } from 'node:net';

/** Length 8, and the code that asks for TLS (protocol "SSLRequest"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * Asks a server whether it speaks TLS, as `sslmode=prefer` needs to know; node-postgres cannot go on without it.
 * @throws Error when the server does not answer within `ms`
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
