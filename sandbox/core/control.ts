import { Type, type TSchema, type Static } from 'typebox';
import { Decision } from './consent.ts';
import type { Core, FakeProvider } from './core.ts';
import { FaultSpec } from './faults.ts';
import { json, Refusal, type Call, type Route } from './http.ts';
import { Mismatch, parseText, patch, stringify } from './json.ts';
import { WebhookSettings } from './delivery.ts';

const PREFIX = '/_sandbox';

/** A control route: JSON in, JSON out, and a 400 that names the problem. */
export function control<S extends TSchema>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  schema: S,
  handle: (body: Static<S>, call: Call) => unknown,
): Route {
  return {
    method,
    path: PREFIX + path,
    endpoint: 'control',
    handle: async (call) => {
      try {
        const body = parseText(schema, call.text === '' ? '{}' : call.text);
        return json(200, stringify((await handle(body, call)) ?? {}));
      } catch (error) {
        if (!(error instanceof Mismatch)) throw error;
        throw new Refusal(json(400, JSON.stringify({ error: error.message })));
      }
    },
  };
}

export const Nothing = Type.Object({}, { additionalProperties: false });
export const Changes = Type.Record(Type.String(), Type.Unknown());

export function createControls(core: Core, providers: FakeProvider[]): Route[] {
  const endpoints = new Set(['webhook', '*']);
  const routes = providers.flatMap((provider) => provider.routes);
  for (const { endpoint } of routes) endpoints.add(endpoint);
  const uploads = new Set(routes.filter(({ streams }) => streams).map(({ endpoint }) => endpoint));

  function summary() {
    return {
      now: new Date(core.clock.now()).toISOString(),
      offsetMs: core.clock.offsetMs,
      jobs: core.jobs.waiting,
      endpoints: [...endpoints],
      faults: core.faults.list(),
      webhooks: core.webhooks.settings,
      ...Object.fromEntries(providers.map((provider) => [provider.name, provider.summary()])),
    };
  }

  return [
    control('GET', '/', Nothing, summary),
    control('GET', '/clock', Nothing, () => ({ now: core.clock.now(), offsetMs: core.clock.offsetMs })),
    control('POST', '/clock', Type.Object({ advanceMs: Type.Integer({ minimum: 0 }) }), ({ advanceMs }) => {
      core.clock.advance(advanceMs);
      core.jobs.run();
      return { now: core.clock.now(), offsetMs: core.clock.offsetMs };
    }),
    control('GET', '/faults', Nothing, () => core.faults.list()),
    control('POST', '/faults', FaultSpec, (spec) => {
      const [base] = spec.endpoint.split(':');
      if (base === undefined || !endpoints.has(base)) {
        throw new Mismatch(`unknown endpoint ${spec.endpoint}; known: ${[...endpoints].join(', ')}`);
      }
      if (spec.kind === 'instead' && spec.path === undefined && spec.authorization === undefined) {
        throw new Mismatch('instead needs a path, an authorization or both');
      }
      if (spec.kind === 'drop-mid' && !uploads.has(base)) throw new Mismatch('drop-mid is for uploads');
      return { id: core.faults.arm(spec) };
    }),
    control('DELETE', '/faults', Nothing, (_body, { url }) => {
      const id = url.searchParams.get('id');
      core.faults.clear(id === null ? undefined : Number(id));
    }),
    control('GET', '/requests', Nothing, (_body, { url }) => core.log.list(url.searchParams.get('endpoint'))),
    control('DELETE', '/requests', Nothing, () => core.log.clear()),
    control('GET', '/calls', Nothing, (_body, { url }) => core.calls.report(url.searchParams.get('account'))),
    control('DELETE', '/calls', Nothing, () => core.calls.clear()),
    control('POST', '/consent', Decision, (decision) => core.consent.set(decision)),
    control('DELETE', '/consent', Nothing, () => core.consent.clear()),
    control('POST', '/webhooks', Changes, (changes) =>
      patch(WebhookSettings, core.webhooks.settings, changes),
    ),
    control('POST', '/webhooks/release', Nothing, () => core.webhooks.release()),
  ];
}
