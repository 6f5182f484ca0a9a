import type { Route } from './http.ts';

interface Pattern {
  route: Route;
  regex: RegExp;
}

/** What `{version}` matches; any other name is one path segment, `{name*}` the rest of the path. */
const VERSION = String.raw`v\d+\.\d+`;

/** Finds the route of a request: exact paths first, then patterns in their order, then what matches the rest. */
export function createRouter(routes: Route[]) {
  const exact = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const patterns = routes.filter(({ path }) => path.includes('{')).map(compile);
  const ordered = patterns.toSorted((a, b) => rank(a.route) - rank(b.route));

  return (method: string, path: string): { route: Route; params: Record<string, string> } | undefined => {
    const route = exact.get(`${method} ${path}`);
    if (route !== undefined) return { route, params: {} };
    for (const pattern of ordered) {
      if (pattern.route.method !== '*' && pattern.route.method !== method) continue;
      const found = pattern.regex.exec(path);
      if (found !== null) return { route: pattern.route, params: { ...found.groups } };
    }
    return undefined;
  };
}

/** A route for the rest of a path comes after all others, and of those the longest first. */
function rank({ path }: Route): number {
  return path.includes('*}') ? 1_000 - path.length : 0;
}

function compile(route: Route): Pattern {
  const source = route.path.replaceAll(/[.+?()[\]]/g, String.raw`\$&`);
  const regex = source.replaceAll(/\{(\w+)(\*?)\}/g, (_all, name: string, rest: string) => {
    const matched = rest === '*' ? '.*' : name === 'version' ? VERSION : '[^/]+';
    return `(?<${name}>${matched})`;
  });
  return { route, regex: new RegExp(`^${regex}$`) };
}
