/**
 * Whether a host is this machine, for browsers and for the platforms' rules: `localhost`, names below it (RFC 6761 section
 * 6.3; containers have such names for each other), 127.0.0.1.
 */
export function isLoopback(hostname: string): boolean {
  return hostname === '127.0.0.1' || hostname === 'localhost' || hostname.endsWith('.localhost');
}
