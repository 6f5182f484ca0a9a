import { Type } from 'typebox';
import type { Account } from '../db/accounts.ts';
import { connectionEndsAt } from '../db/token-times.ts';
import type { Deps } from './deps.ts';
import { CAPABILITIES, capabilitiesOf } from '../providers/permissions.ts';
import { quotasOf } from './quotas.ts';
import { nullable, text, textOrNull, Time } from './schemas.ts';

const Quota = Type.Object({
  quota: Type.String(),
  limit: Type.Integer(),
  used: Type.Integer(),
  remaining: Type.Integer(),
  resetAt: nullable.time,
});

const Warning = Type.Object(
  {
    code: Type.Literal('account_expiring'),
    since: Time,
    until: nullable.time,
    userMessage: Type.String(),
  },
  {
    description:
      'What the creator should do about an account that still works; null: nothing. `account_expiring`: nothing renews the connection, and it ends at `until`.',
  },
);

export const AccountView = Type.Object(
  {
    id: Type.String(),
    provider: Type.String(),
    method: nullable.string,
    openId: Type.String({ description: 'The provider’s id of the user.' }),
    username: nullable.string,
    displayName: nullable.string,
    status: Type.Enum(['active', 'reauth_required', 'disconnected']),
    statusReason: nullable.string,
    scopes: Type.Array(Type.String()),
    capabilities: Type.Array(Type.Enum([...CAPABILITIES]), {
      description: 'What the granted scopes allow. Reconnecting with other scopes changes it.',
    }),
    expiresAt: nullable.time,
    refreshExpiresAt: nullable.time,
    warning: Type.Union([Warning, Type.Null()]),
    quotas: Type.Array(Quota),
    connectedAt: Time,
    createdAt: Time,
    updatedAt: Time,
  },
  { $id: 'Account' },
);

/** How long tokens can be refreshed; null if there is no refresh token or its expiry is not known. */
export function refreshExpiresAt({ providers }: Deps, account: Account): Date | null {
  const renewsItself = providers.find(account.provider, account.method)?.oauth.renewsItself ?? false;
  return renewsItself ? null : account.refreshExpiresAt;
}

/** While the account works and its end is near (account.expiring in the audit log). */
function warningOf(account: Account) {
  if (account.status !== 'active' || account.expiringSince === null) return null;
  const until = textOrNull(connectionEndsAt(account));
  return {
    code: 'account_expiring',
    since: text(account.expiringSince),
    until,
    userMessage: `The connection to this account ends${until === null ? ' soon' : ` on ${until.slice(0, 10)}`}. Connect the account again before that.`,
  } as const;
}

/** An account as clients see it: without secrets. */
export async function accountView(deps: Deps, account: Account) {
  const provider = deps.providers.find(account.provider, account.method);
  return {
    id: account.id,
    provider: account.provider,
    method: account.method,
    openId: account.openId,
    username: account.username,
    displayName: account.displayName,
    status: account.status,
    statusReason: account.statusReason,
    scopes: account.scope,
    capabilities: provider === null ? [] : capabilitiesOf(provider.permissions, account.scope),
    expiresAt: textOrNull(account.expiresAt),
    refreshExpiresAt: textOrNull(refreshExpiresAt(deps, account)),
    warning: warningOf(account),
    quotas: await quotasOf(deps, account),
    connectedAt: text(account.connectedAt),
    createdAt: text(account.createdAt),
    updatedAt: text(account.updatedAt),
  };
}
