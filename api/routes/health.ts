import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Client } from '@temporalio/client';
import { type Static, Type } from 'typebox';
import type { StoreTrouble } from '../../media/store.ts';
import { TASK_QUEUE } from '../../temporal/names.ts';
import { lastPolls } from '../../temporal/pollers.ts';
import { databaseProblem } from '../../db/problems.ts';
import type { Deps } from '../deps.ts';
import { namespaceProblem } from '../namespace.ts';
import { soon, soonFromTemporal } from '../outage.ts';
import { malformed } from '../schemas.ts';
import { shared } from '../shared.ts';
import { MINUTE } from '../../durations.ts';

const Alive = Type.Object({ status: Type.Literal('ok') });
const Check = Type.Object({ ok: Type.Boolean(), message: Type.Optional(Type.String()) });
const Readiness = Type.Object({
  ready: Type.Boolean(),
  checks: Type.Object({ database: Check, temporal: Check, workers: Check, media: Check }),
});
const config = { access: 'public', rateLimit: false, quiet: true } as const;
const tags = ['operations'];
/** How long one answer serves all callers. */
const FRESH_MS = 1_000;
/** A worker polls at least this often. */
const POLLED_WITHIN_MS = MINUTE;

/** For orchestrators: whether this process is alive, and whether the whole installation can work. */
export const healthRoutes =
  ({ database: { db }, temporal, media }: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    let told: string | null = null;
    /** Logs for operators what is not public: the namespace and its owner. */
    const tellOnce = (problem: Error | null): void => {
      if (problem !== null && problem.message !== told) app.log.error(problem.message);
      told = problem?.message ?? null;
    };
    const ask = shared(FRESH_MS, () =>
      Promise.allSettled([
        soon(databaseProblem(db)),
        soonFromTemporal(temporal, () => idleQueues(temporal)),
        soonFromTemporal(temporal, async () => {
          const problem = await namespaceProblem(temporal, db);
          tellOnce(problem);
          return problem?.fact ?? null;
        }),
        soon(media.check()),
      ]),
    );

    app.get(
      '/livez',
      {
        config,
        schema: {
          operationId: 'isAlive',
          summary: 'Whether this process is alive',
          tags,
          response: { 200: Alive, ...malformed },
        },
      },
      async () => ({ status: 'ok' as const }),
    );

    app.get(
      '/readyz',
      {
        config,
        schema: {
          operationId: 'isReady',
          summary: 'Whether the database is usable and every task queue has a live worker',
          tags,
          response: { 200: Readiness, 503: Readiness, ...malformed },
        },
      },
      async (_request, reply) => {
        const [database, queues, namespace, files] = await ask();
        const idle = queues.status === 'fulfilled' ? queues.value : null;
        const checks = {
          database: check(database.status === 'fulfilled' ? database.value : 'PostgreSQL does not answer'),
          temporal: check(
            (namespace.status === 'fulfilled' ? namespace.value : null) ??
              (idle === null ? 'the Temporal server does not answer' : null),
          ),
          workers:
            idle?.length === 0
              ? { ok: true }
              : {
                  ok: false,
                  message: `no worker polls ${TASK_QUEUE} for ${idle?.join(' and ') ?? 'anything'}`,
                },
          media: mediaCheck(files),
        };
        const ready = Object.values(checks).every(({ ok }) => ok);
        return reply
          .code(ready ? 200 : 503)
          .header('cache-control', 'no-store')
          .send({ ready, checks });
      },
    );
  };

/** @param problem null if there is none */
const check = (problem: string | null) => (problem === null ? { ok: true } : { ok: false, message: problem });

function mediaCheck(looked: PromiseSettledResult<StoreTrouble | null>): Static<typeof Check> {
  if (looked.status === 'rejected')
    return { ok: false, message: 'the media folder cannot be checked while PostgreSQL does not answer' };
  return looked.value === null ? { ok: true } : { ok: false, message: looked.value.message };
}

const isLive = (polledAt: number): boolean => polledAt > Date.now() - POLLED_WITHIN_MS;

/** The kinds of tasks that no worker has polled for recently. */
async function idleQueues(temporal: Client): Promise<string[]> {
  const { workflows, activities } = await lastPolls(temporal);
  return [...(isLive(workflows) ? [] : ['workflows']), ...(isLive(activities) ? [] : ['activities'])];
}
