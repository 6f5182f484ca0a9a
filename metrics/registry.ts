import { Registry } from 'prom-client';

/** What this process has counted since its start. What is read from the database is no part of it (api/standing-metrics.ts). */
export const registry = new Registry();
