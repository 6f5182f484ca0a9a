import { Gauge, Registry } from 'prom-client';
import type { Db } from '../db/client.ts';
import { readGauges, type Gauges } from '../db/gauges.ts';
import { FINAL_STATES, POST_STATES } from '../db/schema.ts';
import { soon } from './outage.ts';

/** More frequent scrapes get the previous values: scraping cannot load the database. */
const FRESH_MS = 10_000;
const MOST_MS = 3_000;

type Labels = Record<string, string>;
type Row = [labels: Labels, value: number];

interface Reading {
  name: string;
  help: string;
  labelNames: readonly string[];
  of: (gauges: Gauges) => Row[];
}

const READINGS: readonly Reading[] = [
  {
    name: 'everpost_posts',
    help: 'Open posts, by state.',
    labelNames: ['provider', 'state'],
    of: ({ posts }) => posts.map(({ provider, state, all }) => [{ provider, state }, all]),
  },
  {
    name: 'everpost_posts_due',
    help: 'Open posts whose time has come, by state.',
    labelNames: ['provider', 'state'],
    of: ({ posts }) => posts.map(({ provider, state, due }) => [{ provider, state }, due]),
  },
  {
    name: 'everpost_posts_oldest_age_seconds',
    help: 'How long ago the oldest open post was due, by state.',
    labelNames: ['provider', 'state'],
    of: ({ posts }) => posts.map(({ provider, state, ageSeconds }) => [{ provider, state }, ageSeconds]),
  },
  {
    name: 'everpost_accounts',
    help: 'Accounts, by status.',
    labelNames: ['provider', 'status'],
    of: ({ accounts }) => accounts.map(({ provider, status, all }) => [{ provider, status }, all]),
  },
  {
    name: 'everpost_accounts_token_expired',
    help: 'Active accounts whose access token has expired without being refreshed.',
    labelNames: ['provider'],
    of: ({ accounts }) => active(accounts).map(({ provider, tokenExpired }) => [{ provider }, tokenExpired]),
  },
  {
    name: 'everpost_accounts_ending',
    help: 'Active accounts that will be lost within this time unless their tokens are refreshed.',
    labelNames: ['provider', 'within'],
    of: ({ accounts }) =>
      active(accounts).flatMap(({ provider, ending }) =>
        Object.entries(ending).map(([within, ends]): Row => [{ provider, within }, ends]),
      ),
  },
  {
    name: 'everpost_webhook_events',
    help: 'Events of the last 72 hours that are not applied: waiting, or tried without success.',
    labelNames: ['provider', 'state'],
    of: ({ events }) =>
      events.flatMap(({ provider, waiting, unapplied }): Row[] => [
        [{ provider, state: 'waiting' }, waiting],
        [{ provider, state: 'unapplied' }, unapplied],
      ]),
  },
  {
    name: 'everpost_webhook_events_oldest_age_seconds',
    help: 'How long the oldest waiting event has waited.',
    labelNames: ['provider'],
    of: ({ events }) => events.map(({ provider, ageSeconds }) => [{ provider }, ageSeconds]),
  },
];

/**
 * Gauges of the whole installation, read from the database on request. All servers show the same values. While the
 * database is down they are absent, and `everpost_database_up` is 0.
 * @param providers these get zeros if they have no rows
 */
export function createGauges(db: Db, providers: readonly string[]): Registry {
  const registry = new Registry();
  const registers = [registry];
  const read = cached(async () => {
    try {
      return withZeros(await soon(readGauges(db), 'database_unavailable', MOST_MS), providers);
    } catch {
      // `everpost_database_up` reports it, as do `/readyz` and the logs of everything else that needs the database.
      return null;
    }
  });
  for (const { name, help, labelNames, of } of READINGS) {
    // `new` registers it.
    void new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        const gauges = await read();
        this.reset();
        for (const [labels, value] of gauges === null ? [] : of(gauges)) this.set(labels, value);
      },
    });
  }
  void new Gauge({
    name: 'everpost_database_up',
    help: 'Whether the database answered when the metrics were read.',
    registers,
    async collect() {
      this.set((await read()) === null ? 0 : 1);
    },
  });
  return registry;
}

function active(accounts: Gauges['accounts']): Gauges['accounts'] {
  return accounts.filter(({ status }) => status === 'active');
}

/** One reading for all callers within some seconds; at most one runs at a time. */
function cached<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { at: number; value: Promise<T> } | null = null;
  return () => {
    if (last === null || Date.now() - last.at > FRESH_MS) last = { at: Date.now(), value: read() };
    return last.value;
  };
}

/** Adds zeros for missing rows: an absent series would look like a failed scrape. */
function withZeros(gauges: Gauges, providers: readonly string[]): Gauges {
  const open = POST_STATES.filter((state) => !FINAL_STATES.some((final) => final === state));
  const zeros: Gauges = {
    posts: providers.flatMap((provider) =>
      open.map((state) => ({ provider, state, all: 0, due: 0, ageSeconds: 0 })),
    ),
    accounts: providers.flatMap((provider) =>
      ['active', 'reauth_required', 'disconnected'].map((status) => ({
        provider,
        status,
        all: 0,
        tokenExpired: 0,
        ending: { '1h': 0, '1d': 0, '7d': 0 },
      })),
    ),
    events: providers.map((provider) => ({ provider, waiting: 0, unapplied: 0, ageSeconds: 0 })),
  };
  // The last value of a series counts.
  return {
    posts: [...zeros.posts, ...gauges.posts],
    accounts: [...zeros.accounts, ...gauges.accounts],
    events: [...zeros.events, ...gauges.events],
  };
}
