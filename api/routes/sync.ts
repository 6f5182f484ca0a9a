import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import { findAccount } from '../../db/accounts.ts';
import { ensureLines, askForStreams, type Line, linesOf } from '../../db/sync/lines.ts';
import { STREAM_NAMES } from '../../reading.ts';
import { syncWorkflowId } from '../../temporal/names.ts';
import { wakeSync } from '../../temporal/sync.ts';
import { tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { apiError } from '../errors.ts';
import { List } from '../paging.ts';
import { Id, nullable, ref, refusals } from '../schemas.ts';
import { tell } from '../temporal.ts';

const StreamName = Type.Enum([...STREAM_NAMES]);

export const SyncLine = Type.Object(
  {
    stream: StreamName,
    state: Type.String({
      description:
        '`idle`, `running`, `waiting_quota`, `permission_missing`, `unsupported`, `paused` or `failed`; `reason` says why.',
    }),
    reason: nullable.string,
    nextDueAt: nullable.time,
    lastAttemptAt: nullable.time,
    lastSuccessAt: nullable.time,
    fullPassCompletedAt: nullable.time,
    backfillComplete: Type.Boolean({ description: 'Whether a pass has reached the end of the list.' }),
    coveredUntil: Type.Unsafe<string | null>({
      ...nullable.time,
      description: 'Where the platform cuts its list; null: all of it is copied.',
    }),
    rowsSeen: Type.Integer(),
    callsUsed: Type.Integer(),
    unchangedStreak: Type.Integer(),
  },
  { $id: 'SyncLine', description: 'How far one kind of data of an account is copied.' },
);

const SyncBody = Type.Object(
  {
    streams: Type.Optional(Type.Array(StreamName, { minItems: 1, maxItems: STREAM_NAMES.length })),
    mode: Type.Optional(Type.Enum(['incremental', 'full'])),
  },
  { additionalProperties: false },
);

/** How far the data of an account is copied, and asking for more. */
export const syncRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    app.get(
      '/api/accounts/:id/sync',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'getSync',
          summary: 'How far the data of an account is copied',
          tags: ['content'],
          params: Id,
          response: { 200: List(ref(SyncLine)), ...refusals(404) },
        },
      },
      async (request) => {
        const account = await findAccount(db, tenant(request), request.params.id);
        if (account === null) throw apiError('not_found');
        return { data: (await linesOf(db, account.id)).map(lineView), nextCursor: null };
      },
    );

    app.post(
      '/api/accounts/:id/sync',
      {
        config: { access: 'content:read', bodyIsOptional: true },
        schema: {
          operationId: 'startSync',
          summary: 'Copy the data of an account now',
          description:
            '`incremental` (default) reads what is new and what is due; `full` reads whole lists. Streams that wait for quota or are paused are not read sooner. Requests at the same time are one pass: `joined`.',
          tags: ['content'],
          params: Id,
          body: SyncBody,
          response: {
            202: Type.Object({
              syncId: Type.String({ description: 'The workflow in Temporal.' }),
              joined: Type.Boolean({ description: 'All of it was due or running already.' }),
            }),
            ...refusals(404, 409, 415),
          },
        },
      },
      async (request, reply) => {
        const account = await findAccount(db, tenant(request), request.params.id);
        if (account === null) throw apiError('not_found');
        if (deps.config.sync === 'off') throw apiError('sync_off');
        if (account.status !== 'active') throw apiError('account_not_active');
        const reading = deps.providers.find(account.provider, account.method)?.reading;
        if (reading !== undefined)
          await ensureLines(
            db,
            account,
            reading.streams.map(({ name }) => name),
            reading.unsupported,
          );
        const { streams = STREAM_NAMES, mode = 'incremental' } = request.body;
        const joined = await askForStreams(db, account.id, streams, mode === 'full');
        await tell(deps.temporal, request.log, `sync of ${account.id}`, () =>
          wakeSync(deps.temporal, account),
        );
        return reply.code(202).send({ syncId: syncWorkflowId(account.id), joined });
      },
    );
  };

const lineView = (line: Line): Static<typeof SyncLine> => ({
  stream: STREAM_NAMES.find((name) => name === line.stream) ?? 'media',
  state: line.state,
  reason: line.reason,
  nextDueAt: line.nextDueAt?.toISOString() ?? null,
  lastAttemptAt: line.lastAttemptAt?.toISOString() ?? null,
  lastSuccessAt: line.lastSuccessAt?.toISOString() ?? null,
  fullPassCompletedAt: line.fullPassCompletedAt?.toISOString() ?? null,
  backfillComplete: line.backfillComplete,
  coveredUntil: line.coveredUntil?.toISOString() ?? null,
  rowsSeen: line.rowsSeen,
  callsUsed: line.callsUsed,
  unchangedStreak: line.unchangedStreak,
});
