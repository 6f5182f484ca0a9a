import { METHODS } from 'node:http';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import type { Route } from './http.ts';

/** Longer than any segment that fits into a request: find-my-way would not match one of more than 100 characters. */
const MAX_SEGMENT = 100_000;

/** Finds the route of a request: exact segments win over parameters, and those over `{rest*}`. */
export function createRouter(routes: readonly Route[]) {
  const router = findMyWay({ maxParamLength: MAX_SEGMENT });
  for (const route of routes) {
    const path = patternOf(route.path);
    if (route.method === '*') router.all(path, noHandler, route);
    else if (isMethod(route.method)) router.on(route.method, path, noHandler, route);
    else throw new Error(`${route.path}: HTTP has no method ${route.method}`);
  }
  return (method: string, path: string): { route: Route; params: Record<string, string> } | undefined => {
    const found = isMethod(method) ? router.find(method, path) : null;
    if (found === null) return undefined;
    const route: Route = found.store;
    const params = Object.entries(found.params).map(([name, value]) => [name, value ?? '']);
    return { route, params: Object.fromEntries(params) };
  };
}

/**
 * `{version}` matches a version such as `v1.0`, any other `{name}` a segment that is not empty, `{rest*}` the rest of
 * the path.
 */
function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)(\*?)\}/g, (_all, name: string, rest: string) => {
    if (rest === '*') return '*';
    return name === 'version' ? String.raw`:version(^v\d+\.\d+$)` : `:${name}(^.+$)`;
  });
}

function isMethod(name: string): name is HTTPMethod {
  return METHODS.includes(name);
}

/** The dispatcher calls the route itself; find-my-way wants a function. */
function noHandler(): void {}
