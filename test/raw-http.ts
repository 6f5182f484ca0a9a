import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  /** Status line and headers, unchanged. */
  head: string;
  text: string;
}

/**
 * Sends bytes that no HTTP client would send, and reads until the server closes the connection.
 * @param bytes a whole request; include `connection: close`
 */
export async function sendBytes(url: string, bytes: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part);
  const [head = '', text = ''] = Buffer.concat(parts).toString().split('\r\n\r\n', 2);
  return { status: Number(head.split(' ')[1]), head, text };
}

/**
 * One raw request.
 * @param target as written in the request line
 * @param body null: no header announces one; with `transfer-encoding: chunked` it is sent unchanged, so include the
 *   chunks
 */
export function sendRaw(
  url: string,
  method: string,
  target: string,
  headers: Record<string, string> = {},
  body: string | null = null,
): Promise<RawAnswer> {
  const length =
    body === null || 'transfer-encoding' in headers
      ? {}
      : { 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries({ host: new URL(url).host, connection: 'close', ...length, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return sendBytes(url, `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`);
}
