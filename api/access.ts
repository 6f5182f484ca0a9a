import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { equalHex, sha256Hex } from '../crypto/signatures.ts';
import { audit, type AuditEntry } from '../db/audit.ts';
import { findLiveApiKey, touchApiKey } from '../db/users.ts';
import { webhooksRefused } from '../metrics/counters.ts';
import { MINUTE } from '../durations.ts';
import { isKeyShaped } from './api-keys.ts';
import type { Deps } from './deps.ts';
import { type ApiError, apiError } from './errors.ts';
import { createKeyGuard } from './key-guard.ts';
import { soon } from './outage.ts';
import { boundRefusals } from './refusal-notes.ts';

/** What a key may allow; a key has all scopes unless it was created with fewer. */
export const SCOPES = [
  'accounts:read',
  'accounts:write',
  'posts:read',
  'posts:write',
  'media:read',
  'media:write',
  'content:read',
  'comments:write',
] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * Who may call a route: anyone; anyone, but callers with a key are identified; the operator; or a user's key with this
 * scope. Every route declares its access in its `config`; a route without one fails at startup.
 */
export type Access = 'public' | 'optional' | 'admin' | Scope;

export type Caller =
  | { kind: 'nobody' }
  | { kind: 'admin' }
  | { kind: 'key'; id: string; userId: string; scopes: readonly string[] };

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

const NOBODY: Caller = { kind: 'nobody' };

/**
 * Identifies the caller. Access is checked later, after the rate limit, which counts both callers with and without
 * access.
 */
export function identifyCallers(app: FastifyInstance, deps: Deps): void {
  const {
    database: { db },
    config,
  } = deps;
  const guard = createKeyGuard(app, deps);
  const adminHash = sha256Hex(config.adminKey);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request) => {
    request.caller = NOBODY;
    const access = request.routeOptions.config.access ?? 'public';
    const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (access === 'public' || token === undefined) return;
    const hash = sha256Hex(token);
    if (equalHex(hash, adminHash)) {
      request.caller = { kind: 'admin' };
      return;
    }
    if (!isKeyShaped(token)) return;
    await guard.admit(request, token, hash);
    const key = await soon(findLiveApiKey(db, hash));
    await guard.note(request, hash, key !== null);
    if (key === null) return;
    request.caller = { kind: 'key', id: key.id, userId: key.userId, scopes: key.scopes };
    if (Date.now() - (key.lastUsedAt?.getTime() ?? 0) > MINUTE)
      touchApiKey(db, key.id).catch((error: unknown) =>
        request.log.warn({ err: error }, 'could not record the last use of a key'),
      );
  });
}

/** Pages of a plugin that does not know `access`: public. */
export const DOCS = '/docs';

/** Admits the callers that the route's `access` names, and audits refusals. Bodies are read after this. */
export function guardRoutes(app: FastifyInstance, { database: { db } }: Deps): void {
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.access === undefined && !url.startsWith(DOCS)) throw new Error(`${url} declares no access`);
  });
  app.addHook('preParsing', async (request: FastifyRequest, reply: FastifyReply) => {
    const refusal = refuse(request.routeOptions.config.access ?? 'public', request.caller);
    if (refusal === null) return;
    if (refusal.statusCode === 401) void reply.header('www-authenticate', 'Bearer');
    await noteRefusal(request, db, {
      ...actorOf(request),
      action: 'access.refused',
      subject: `${request.method} ${request.routeOptions.url ?? ''}`,
      details: { code: refusal.code },
    });
    throw refusal;
  });
}

function refuse(access: Access, caller: Caller): ApiError | null {
  if (access === 'public' || access === 'optional') return null;
  if (caller.kind === 'nobody') return apiError('unauthenticated');
  if (access === 'admin') return caller.kind === 'admin' ? null : apiError('forbidden');
  if (caller.kind === 'admin')
    return apiError('forbidden', { message: 'this route needs a user’s key, not the admin key' });
  return caller.scopes.includes(access)
    ? null
    : apiError('insufficient_scope', { details: { scope: access } });
}

/** The tenant that a request acts for. Routes whose `access` is a scope always have one. */
export function tenant({ caller }: FastifyRequest): string {
  if (caller.kind !== 'key') throw apiError('unauthenticated');
  return caller.userId;
}

/** The actor, for the audit log. */
export function actorOf({ caller, ip }: FastifyRequest): Pick<AuditEntry, 'actor' | 'userId' | 'ip'> {
  switch (caller.kind) {
    case 'key':
      return { actor: `api_key:${caller.id}`, userId: caller.userId, ip };
    case 'admin':
      return { actor: 'admin', ip };
    case 'nobody':
      return { actor: 'anonymous', ip };
  }
}

/** Writes an audit row; a database failure does not change the answer. */
export async function noted(
  request: FastifyRequest,
  db: Deps['database']['db'],
  entry: AuditEntry,
): Promise<void> {
  try {
    await soon(audit(db, entry));
  } catch (error) {
    request.log.error({ err: error, audit: entry }, 'could not write an audit row');
  }
}

/** Audits a refused call that anyone could have made, within the limits of api/refusal-notes.ts. */
export async function noteRefusal(
  request: FastifyRequest<object>,
  db: Deps['database']['db'],
  entry: AuditEntry,
): Promise<void> {
  const row = boundRefusals(request.ip, entry);
  if (row !== null) await noted(request, db, row);
}

/** Audits a call in a provider's name without valid proof. @returns the refusal to throw */
export async function refusedCaller(
  { database: { db } }: Deps,
  request: FastifyRequest<object>,
  provider: string,
  code: 'invalid_signature' | 'forbidden',
): Promise<ApiError> {
  webhooksRefused.inc({ provider, code });
  await noteRefusal(request, db, {
    actor: provider,
    ip: request.ip,
    action: 'webhook.refused',
    subject: provider,
    details: { code },
  });
  return apiError(code);
}
