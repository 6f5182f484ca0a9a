import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { findAccount } from '../../db/accounts.ts';
import { findTikTok } from '../../providers/tiktok/index.ts';
import type { TikTokRequest } from '../../providers/tiktok/request.ts';
import { tenant } from '../access.ts';
import type { Deps } from '../deps.ts';
import { callProvider, PROVIDER_ROUTE_MS, takeQuota } from '../provider-call.ts';
import { AnyId, isUuid, nullable, refusals } from '../schemas.ts';
import { noAccountOf, requirePermission } from '../new-post.ts';
import { createStatusReader, TikTokStatus } from '../tiktok-status.ts';

const CreatorQuery = Type.Object({ accountId: AnyId }, { additionalProperties: false });
const Creator = Type.Object({
  accountId: Type.String(),
  username: nullable.string,
  nickname: nullable.string,
  avatarUrl: nullable.string,
  privacyLevelOptions: Type.Array(Type.String()),
  commentDisabled: Type.Boolean(),
  duetDisabled: Type.Boolean(),
  stitchDisabled: Type.Boolean(),
  maxVideoPostDurationSec: nullable.integer,
});
const StatusPath = Type.Object({ publishId: Type.String({ minLength: 1, maxLength: 100 }) });
const tags = ['tiktok'];
/** A post that the publish form is for. */
const DIRECT: TikTokRequest = { mode: 'direct', source: 'FILE_UPLOAD', postInfo: {} };

/** What TikTok alone can be asked. */
export const tiktokRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    const tiktok = findTikTok(deps.providers.all);
    const readStatus = createStatusReader(deps);

    app.get(
      '/api/tiktok/creator-info',
      {
        config: { access: 'accounts:read' },
        handlerTimeout: PROVIDER_ROUTE_MS,
        schema: {
          operationId: 'getTikTokCreatorInfo',
          summary: 'What the account may do right now, for the publish form',
          tags,
          querystring: CreatorQuery,
          response: { 200: Creator, ...refusals(404, 409, 422, 502) },
        },
      },
      async (request, reply) => {
        const { accountId } = request.query;
        const account = isUuid(accountId) ? await findAccount(db, tenant(request), accountId) : null;
        if (account?.provider !== 'tiktok' || tiktok === null) throw noAccountOf('tiktok', account);
        requirePermission({ account, provider: tiktok }, tiktok.publishing.of(DIRECT).needs);
        await takeQuota(deps, account, tiktok.quotas.creatorInfo);
        const info = await callProvider(deps, account, (accessToken, signal) =>
          tiktok.creatorInfo(accessToken, signal),
        );
        void reply.header('cache-control', 'no-store');
        return { accountId: account.id, ...info, privacyLevelOptions: [...info.privacyLevelOptions] };
      },
    );

    app.get(
      '/api/tiktok/status/:publishId',
      {
        config: { access: 'posts:read' },
        handlerTimeout: PROVIDER_ROUTE_MS,
        schema: {
          operationId: 'getTikTokStatus',
          summary: 'TikTok’s last known status of a publish, refreshed when it is older than 10 seconds',
          tags,
          params: StatusPath,
          response: { 200: TikTokStatus, ...refusals(404) },
        },
      },
      async (request) => readStatus(request.log, tenant(request), request.params.publishId),
    );
  };
