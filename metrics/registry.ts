import { Registry } from 'prom-client';

/** The counters of this process since its start. Metrics read from the database are elsewhere (api/gauges.ts). */
export const registry = new Registry();
