import type { FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { sha256Hex } from '../crypto/signatures.ts';
import {
  type ConnectLink,
  findAttempt,
  findConnectLink,
  findOpenLink,
  findResult,
  isOpen,
  type OAuthState,
} from '../db/connect.ts';
import { findUser } from '../db/users.ts';
import { actorOf, noteRefusal } from './access.ts';
import type { Attempt } from './connect.ts';
import { browserHalf } from './connect-cookie.ts';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import { isUuid, Method } from './schemas.ts';

/** How an attempt to connect is authorised. */
export const AttemptSource = Type.Object(
  {
    link: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'The token of a connect link; a key in Authorization does as well.',
      }),
    ),
    again: Type.Optional(
      Type.String({
        maxLength: 200,
        description:
          'The token of a page that shows a failed attempt, or an id that such a page gives: the same, once more.',
      }),
    ),
    method: Type.Optional(Method),
  },
  { additionalProperties: false },
);
export type AttemptSource = Static<typeof AttemptSource>;

/**
 * The query of its page. Other parameters are allowed, because apps add their own to a shared link, such as `fbclid`.
 */
export const AttemptQuery = Type.Object(AttemptSource.properties);

/** The fields of the page's form. */
export const AttemptForm = Type.Object(
  {
    ...AttemptSource.properties,
    proof: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'From the page: it belongs to the cookie that the page has set. A key needs neither.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** @returns null if the link is invalid, which is audited. @throws ApiError without link and key */
export async function attemptOf(
  deps: Deps,
  request: FastifyRequest,
  provider: string,
  { link, again, method }: AttemptSource,
): Promise<Attempt | null> {
  const { db } = deps.database;
  if (link === undefined && again === undefined) {
    if (request.caller.kind !== 'key')
      throw apiError('unauthenticated', {
        userMessage: 'Open the complete link you were sent, or ask for a new one.',
      });
    if (!request.caller.scopes.includes('accounts:write'))
      throw apiError('insufficient_scope', { details: { scope: 'accounts:write' } });
    const { userId } = request.caller;
    return { userId, returnTo: null, connectLinkId: null, method: method ?? null, name: null };
  }
  const attempt =
    link === undefined
      ? await onceMore(deps, request, provider, again ?? '')
      : byLink(await findOpenLink(db, provider, sha256Hex(link)));
  if (attempt !== null) return attempt;
  await noteRefusal(request, db, {
    ...actorOf(request),
    action: 'connect.refused',
    subject: provider,
    details: { code: 'invalid_link' },
  });
  return null;
}

/**
 * An ended attempt, to be repeated: with its link while that is open. Without one it was begun with a key, and only the
 * same browser may repeat it.
 * @param token of the page that shows its result; or its id, which is no secret: only the same browser may use it
 */
export async function onceMore(
  { database: { db }, config: { publicUrl } }: Deps,
  request: FastifyRequest<object>,
  provider: string,
  token: string,
): Promise<Attempt | null> {
  const half = browserHalf(request, publicUrl);
  const isMine = (attempt: OAuthState): boolean => half !== null && attempt.browserHash === sha256Hex(half);
  const byId = isUuid(token);
  const ended = byId ? await findAttempt(db, token) : await findResult(db, sha256Hex(token));
  if (ended?.provider !== provider || (byId && !isMine(ended))) return null;
  if (ended.connectLinkId !== null) {
    const link = await findConnectLink(db, ended.connectLinkId);
    return link !== null && isOpen(link) ? byLink(link) : null;
  }
  if (!isMine(ended)) return null;
  const { userId, returnTo, method } = ended;
  return { userId, returnTo, connectLinkId: null, method, name: null };
}

function byLink(link: ConnectLink | null): Attempt | null {
  if (link === null) return null;
  const { id, userId, returnTo, method, name } = link;
  return { userId, returnTo, connectLinkId: id, method, name };
}

/** Who asks the creator for access. */
export interface Asker {
  /** From the link, or the user's display name; otherwise the host, because an e-mail address is private. */
  name: string;
  /**
   * Shown beside the name, because a link may contain any name: the operator's name for the user, and the host. Null:
   * the same.
   */
  behind: { user: string | null; host: string } | null;
}

export async function askerOf(
  { database: { db }, config: { publicUrl } }: Deps,
  { name, userId }: Attempt,
): Promise<Asker> {
  const { host } = new URL(publicUrl);
  const user = (await findUser(db, userId))?.displayName ?? null;
  return {
    name: name ?? user ?? host,
    behind: name === null || name === user ? null : { user, host },
  };
}
