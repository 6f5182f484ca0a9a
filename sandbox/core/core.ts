import { CallCounts } from './calls.ts';
import { Clock } from './clock.ts';
import { Consent } from './consent.ts';
import { Faults } from './faults.ts';
import type { Route } from './http.ts';
import { Jobs } from './jobs.ts';
import { RequestLog } from './log.ts';
import { Store } from './store.ts';
import { Webhooks } from './webhooks.ts';

/** The plumbing that all fake providers share. Rules of a single provider do not belong here. */
export interface Core {
  store: Store;
  clock: Clock;
  jobs: Jobs;
  faults: Faults;
  log: RequestLog;
  calls: CallCounts;
  consent: Consent;
  webhooks: Webhooks;
  closing: AbortSignal;
}

/** The parts that a provider's folder adds to the server. */
export interface FakeProvider {
  name: string;
  routes: Route[];
  controls: Route[];
  summary: () => unknown;
  close: () => Promise<void>;
}

export function createCore(stateDir: string | undefined, closing: AbortSignal): Core {
  const store = new Store(stateDir);
  const clock = new Clock(store);
  const jobs = new Jobs(store, clock);
  const faults = new Faults();
  const webhooks = new Webhooks(store, clock, jobs, faults, closing);
  return {
    store,
    clock,
    jobs,
    faults,
    log: new RequestLog(),
    calls: new CallCounts(),
    consent: new Consent(store),
    webhooks,
    closing,
  };
}
