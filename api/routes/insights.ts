import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import {
  type InsightFilter,
  listAccountInsights,
  listMediaInsights,
  placeOf,
} from '../../db/content/insights.ts';
import { findProfile } from '../../db/content/media.ts';
import { tenant } from '../access.ts';
import { accountOf, CopiesQuery, sinceOf } from '../content-query.ts';
import {
  AccountInsightView,
  accountInsightView,
  MediaInsightView,
  mediaInsightView,
  ProfileView,
  profileView,
} from '../content-view.ts';
import type { Deps } from '../deps.ts';
import { List, pageOf, pieceOf } from '../paging.ts';
import { Id, ref, refusals } from '../schemas.ts';
import { mediaCopyOf } from './media-copies.ts';

const tags = ['content'];

/** As every list of copies; numbers are never removed, and have no words of the platform beside them. */
const InsightQuery = Type.Object(
  {
    ...CopiesQuery.properties,
    metric: Type.Optional(Type.String({ maxLength: 100, examples: ['views'] })),
  },
  { additionalProperties: false },
);

/** Profiles of accounts, and numbers over time. */
export const insightRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;

    app.get(
      '/api/accounts/:id/profile',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'getProfile',
          summary: 'The copy of an account’s profile',
          description:
            'Before the first read all of it is null, `readAt` too. One object: of the query only `raw` matters.',
          tags,
          params: Id,
          querystring: CopiesQuery,
          response: { 200: ref(ProfileView), ...refusals(404) },
        },
      },
      async (request) => {
        const account = await accountOf(deps, tenant(request), request.params.id);
        // No cursor of another list leads anywhere here.
        pageOf(request.query, { list: 'profile', accountId: account.id });
        return profileView(account, await findProfile(db, account.id), request.query.raw ?? false);
      },
    );

    app.get(
      '/api/accounts/:id/insights',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'listAccountInsights',
          summary: 'Numbers of an account, newest first',
          description: 'Numbers of the lifetime come first, then those of days.',
          tags,
          params: Id,
          querystring: InsightQuery,
          response: { 200: List(ref(AccountInsightView)), ...refusals(404) },
        },
      },
      async (request) => {
        const account = await accountOf(deps, tenant(request), request.params.id);
        const filter = insightFilter(request.query);
        const page = pageOf(request.query, { list: account.id, ...filter });
        const numbers = await listAccountInsights(db, account.id, filter, page);
        return pieceOf(numbers, page, placeOf, accountInsightView);
      },
    );

    app.get(
      '/api/media-copies/:id/insights',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'listMediaInsights',
          summary: 'Numbers of one media over time, newest first',
          description: 'A number has a row only when it has changed.',
          tags,
          params: Id,
          querystring: InsightQuery,
          response: { 200: List(ref(MediaInsightView)), ...refusals(404) },
        },
      },
      async (request) => {
        const media = await mediaCopyOf(deps, tenant(request), request.params.id);
        const { accountId, providerMediaId: mediaId } = media;
        const filter = insightFilter(request.query);
        const page = pageOf(request.query, { list: media.id, ...filter });
        const numbers = await listMediaInsights(db, { accountId, mediaId }, filter, page);
        return pieceOf(numbers, page, ({ takenAt }) => takenAt, mediaInsightView);
      },
    );
  };

const insightFilter = ({ metric, since }: Static<typeof InsightQuery>): InsightFilter => ({
  metric: metric ?? null,
  since: sinceOf(since),
});
