import { type Static, Type } from 'typebox';
import type { Account } from '../db/accounts.ts';
import { nextDue } from '../db/token-times.ts';
import type { Attempt } from '../db/attempts.ts';
import type { StoredEvent } from '../db/events.ts';
import { tokenWorkflowId } from '../temporal/names.ts';
import { refreshExpiresAt } from './account-view.ts';
import type { Deps } from './deps.ts';
import { quotasOf } from './quotas.ts';
import { Anything, nullable, text, textOrNull, Time } from './schemas.ts';

export const AccountState = Type.Object({
  id: Type.String(),
  userId: Type.String(),
  provider: Type.String(),
  openId: Type.String(),
  status: Type.String(),
  statusReason: nullable.string,
  scopes: Type.Array(Type.String()),
  tokenVersion: Type.Integer(),
  hasAccessToken: Type.Boolean(),
  hasRefreshToken: Type.Boolean(),
  issuedAt: nullable.time,
  connectedAt: Time,
  expiresAt: nullable.time,
  refreshExpiresAt: nullable.time,
  refreshDueAt: nullable.time,
  quotas: Type.Array(Anything),
  workflowId: Type.String(),
  workflowPath: Type.String({ description: 'Path of the workflow in the Temporal UI.' }),
});
const EventView = Type.Object({
  id: Type.String(),
  provider: Type.String(),
  eventType: Type.String(),
  externalId: Type.String(),
  payload: Type.Unknown({ description: 'The original payload, with every digit.' }),
  processedAt: nullable.time,
  errorMessage: nullable.string,
  retryCount: Type.Integer(),
  receivedAt: Time,
});
const EventList = Type.Object({ data: Type.Array(EventView), nextCursor: nullable.string });
/** The list is sent as finished text. */
export const EventListText = Type.Unsafe<string>(EventList);
export const AttemptView = Type.Object({
  id: Type.String(),
  step: Type.String(),
  status: Type.String(),
  providerRef: nullable.string,
  tokenVersion: nullable.integer,
  logId: nullable.string,
  errorCode: nullable.string,
  errorMessage: nullable.string,
  createdAt: Time,
  sentAt: nullable.time,
  finishedAt: nullable.time,
});

/** An account as the operator sees it. */
export async function accountState(deps: Deps, account: Account): Promise<Static<typeof AccountState>> {
  const workflowId = tokenWorkflowId(account.provider, account.id);
  const due = account.status === 'active' ? nextDue(account) : null;
  return {
    id: account.id,
    userId: account.userId,
    provider: account.provider,
    openId: account.openId,
    status: account.status,
    statusReason: account.statusReason,
    scopes: account.scope,
    tokenVersion: account.tokenVersion,
    hasAccessToken: account.accessTokenEncrypted !== null,
    hasRefreshToken: account.refreshTokenEncrypted !== null,
    issuedAt: textOrNull(account.issuedAt),
    connectedAt: text(account.connectedAt),
    expiresAt: textOrNull(account.expiresAt),
    refreshExpiresAt: textOrNull(refreshExpiresAt(deps, account)),
    refreshDueAt: due?.what === 'refresh' ? textOrNull(due.at) : null,
    quotas: await quotasOf(deps, account),
    workflowId,
    workflowPath: `/namespaces/${deps.temporal.options.namespace}/workflows/${encodeURIComponent(workflowId)}`,
  };
}

/** JSON text with the payload unchanged: parsing would lose digits. */
export function eventText({
  payload,
  id,
  provider,
  eventType,
  externalId,
  processedAt,
  errorMessage,
  retryCount,
  receivedAt,
}: StoredEvent): string {
  const head = JSON.stringify({ id, provider, eventType, externalId });
  const tail = JSON.stringify({ processedAt, errorMessage, retryCount, receivedAt });
  return `${head.slice(0, -1)},"payload":${payload},${tail.slice(1)}`;
}

export function attemptView({
  id,
  step,
  status,
  providerRef,
  tokenVersion,
  logId,
  errorCode,
  errorMessage,
  createdAt,
  sentAt,
  finishedAt,
}: Attempt) {
  return {
    id,
    step,
    status,
    providerRef,
    tokenVersion,
    logId,
    errorCode,
    errorMessage,
    createdAt: text(createdAt),
    sentAt: textOrNull(sentAt),
    finishedAt: textOrNull(finishedAt),
  };
}
