/**
 * Whether a host is this machine, by the rules of browsers and platforms: `localhost`, names below it (RFC 6761 section
 * 6.3; containers have such names for each other), 127.0.0.1.
 */
export function isLoopback(hostname: string): boolean {
  return hostname === '127.0.0.1' || hostname === 'localhost' || hostname.endsWith('.localhost');
}
