import type { FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { sha256Hex } from '../crypto/signatures.ts';
import { type ConnectLink, findConnectLink, findOpenLink, findResult, isOpen } from '../db/connect.ts';
import { findUser } from '../db/users.ts';
import { actorOf, noteRefusal } from './access.ts';
import type { Attempt } from './connect.ts';
import type { Deps } from './deps.ts';
import { apiError } from './errors.ts';
import { Method } from './schemas.ts';

/** What an attempt to connect stands on; the query of its page, and the hidden fields of the page's form. */
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
        description: 'The token of a page that shows a failed attempt: the same link, once more.',
      }),
    ),
    method: Type.Optional(Method),
  },
  { additionalProperties: false },
);
type AttemptSource = Static<typeof AttemptSource>;

/** @returns null when the link is no good, which is noted. @throws ApiError without link and key */
export async function attemptOf(
  { database: { db } }: Deps,
  request: FastifyRequest,
  provider: string,
  source: AttemptSource,
): Promise<Attempt | null> {
  if (source.link === undefined && source.again === undefined) {
    if (request.caller.kind !== 'key') throw apiError('unauthenticated');
    if (!request.caller.scopes.includes('accounts:write'))
      throw apiError('insufficient_scope', { details: { scope: 'accounts:write' } });
    const { userId } = request.caller;
    return { userId, returnTo: null, connectLinkId: null, method: source.method ?? null, name: null };
  }
  const link = await linkOf(db, provider, source);
  if (link !== null) {
    const { userId, returnTo, method, name } = link;
    return { userId, returnTo, connectLinkId: link.id, method, name };
  }
  await noteRefusal(request, db, {
    ...actorOf(request),
    action: 'connect.refused',
    subject: provider,
    details: { code: 'invalid_link' },
  });
  return null;
}

async function linkOf(
  db: Deps['database']['db'],
  provider: string,
  { link, again }: AttemptSource,
): Promise<ConnectLink | null> {
  if (link !== undefined) return findOpenLink(db, provider, sha256Hex(link));
  const ended = await findResult(db, sha256Hex(again ?? ''));
  if (ended?.connectLinkId == null || ended.provider !== provider) return null;
  const known = await findConnectLink(db, ended.connectLinkId);
  return known !== null && isOpen(known) ? known : null;
}

/** Who asks the creator: as the link says, or the user's display name, or else their e-mail address. */
export async function askerOf({ database: { db } }: Deps, { name, userId }: Attempt): Promise<string> {
  if (name !== null) return name;
  const user = await findUser(db, userId);
  return user?.displayName ?? user?.email ?? 'Somebody';
}
