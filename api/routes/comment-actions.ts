import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { findAction, hasEnded } from '../../db/comment-actions.ts';
import type { ActionKind } from '../../reading.ts';
import { createAccountChecks } from '../account-checks.ts';
import { actorOf, noted, tenant } from '../access.ts';
import { ACTION_KINDS, actionView, CommentActionView } from '../comment-action-view.ts';
import type { Deps } from '../deps.ts';
import { type ApiError, apiError } from '../errors.ts';
import { IdempotencyHeaders } from '../idempotency.ts';
import { type ActionRequest, moderate, settledSoon } from '../moderate.ts';
import { PROVIDER_ROUTE_MS } from '../provider-call.ts';
import { Id, ref, refusals } from '../schemas.ts';
import { Words } from '../../providers/texts.ts';

const SUMMARIES: Readonly<Record<ActionKind, string>> = {
  reply: 'Reply to a comment',
  hide: 'Hide a comment',
  unhide: 'Show a hidden comment again',
  delete: 'Delete a comment',
  like: 'Like a comment',
  unlike: 'Take back the like of a comment',
  approve: 'Approve a pending reply',
  ignore: 'Ignore a pending reply',
};

const ReplyBody = Type.Object(
  { text: Type.String({ ...Words, minLength: 1 }) },
  { additionalProperties: false },
);
const OPTIONS = { config: { access: 'comments:write' }, handlerTimeout: PROVIDER_ROUTE_MS } as const;

const schemaOf = (kind: ActionKind) => ({
  operationId: `${kind}Comment`,
  summary: SUMMARIES[kind],
  description: describe(kind),
  tags: ['comments'],
  params: Id,
  headers: IdempotencyHeaders,
  response: { 200: ref(CommentActionView), 202: ref(CommentActionView), ...refusals(404, 409, 415, 422) },
});

/** Without a key a reply that is repeated would be written twice. */
const keyMissing = (): ApiError => {
  const field = 'idempotency-key';
  const message = 'is required for a reply: send the header Idempotency-Key with a text of your choice';
  return apiError('invalid_request', {
    message: `${field} ${message}`,
    details: { fields: [{ field, message }] },
  });
};

/** Moderates comments. */
export const commentActionRoutes =
  (deps: Deps): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { db } = deps.database;
    const askAccount = createAccountChecks(deps);
    app.addSchema(CommentActionView);

    async function act(
      request: FastifyRequest,
      reply: FastifyReply,
      commentId: string,
      what: Pick<ActionRequest, 'kind' | 'text' | 'idempotencyKey'>,
    ) {
      const { action, replayed } = await moderate(deps, request.log, askAccount, {
        ...what,
        userId: tenant(request),
        commentId,
        requestId: request.id,
      });
      if (replayed) void reply.header('idempotency-replayed', 'true');
      else
        await noted(request, db, {
          ...actorOf(request),
          action: `comment.${what.kind}`,
          subject: action.id,
        });
      const now = await settledSoon(deps, action);
      void reply
        .code(hasEnded(now) ? 200 : 202)
        .header('location', `${deps.config.publicUrl}/api/comment-actions/${action.id}`);
      return actionView(now);
    }

    app.post(
      '/api/comments/:id/reply',
      { ...OPTIONS, schema: { ...schemaOf('reply'), body: ReplyBody } },
      async (request, reply) => {
        const idempotencyKey = request.headers['idempotency-key'];
        if (idempotencyKey === undefined) throw keyMissing();
        const { text } = request.body;
        return act(request, reply, request.params.id, { kind: 'reply', text, idempotencyKey });
      },
    );
    for (const kind of ACTION_KINDS.filter((one) => one !== 'reply'))
      app.post(
        `/api/comments/:id/${kind}`,
        { ...OPTIONS, schema: schemaOf(kind) },
        async (request, reply) => {
          const { 'idempotency-key': idempotencyKey = null } = request.headers;
          return act(request, reply, request.params.id, { kind, text: null, idempotencyKey });
        },
      );

    app.get(
      '/api/comment-actions/:id',
      {
        config: { access: 'content:read' },
        schema: {
          operationId: 'getCommentAction',
          summary: 'How an action on a comment stands',
          tags: ['comments'],
          params: Id,
          response: { 200: ref(CommentActionView), ...refusals(404) },
        },
      },
      async (request) => {
        const action = await findAction(db, tenant(request), request.params.id);
        if (action === null) throw apiError('not_found');
        return actionView(action);
      },
    );
  };

function describe(kind: ActionKind): string {
  return kind === 'reply'
    ? 'Sent once in effect. `Idempotency-Key` is required. 200: the action has ended (`done`, `failed` or `unknown`); 202: the reply is on its way.'
    : 'Repeating it changes nothing: `repeat`. 200: the action has ended (`done` or `failed`); 202: the platform has not answered yet.';
}
