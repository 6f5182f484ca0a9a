const LOOPBACK = ['localhost', '127.0.0.1'];

export function isLoopback(host: string): boolean {
  // Names under `localhost` count too: RFC 6761 section 6.3.
  return LOOPBACK.includes(host) || host.endsWith('.localhost');
}

// Exactly one of the registered URIs; `http://127.0.0.1:*/path` stands for any port.
export function isRegistered(uris: string[], uri: string): boolean {
  return uris.some((registered) => {
    if (registered === uri) return true;
    const [before, after] = registered.split(':*/');
    if (before === undefined || after === undefined || !uri.startsWith(`${before}:`)) return false;
    const [, port, path] = /^:(\d+)\/(.*)$/s.exec(uri.slice(before.length)) ?? [];
    return port !== undefined && path === after;
  });
}
