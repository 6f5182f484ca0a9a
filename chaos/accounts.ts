import type { ProviderName } from '../providers/provider.ts';
import type { ApiClient } from './client.ts';
import { PROVIDERS } from './providers/index.ts';
import type { ChaosAccount } from './providers/provider.ts';
import type { World } from './world.ts';

/** Connects accounts of their own for the round, four at a time. */
export async function connectAccounts(
  { stack, api }: World,
  tag: string,
  providers: readonly ProviderName[],
): Promise<ChaosAccount[]> {
  const wanted = providers.map((provider, index) => ({ provider, username: `chaos_${tag}_${index}` }));
  const left = [...wanted];
  const work = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      await PROVIDERS[one.provider].addCreator(api, one.username);
      await comeBack(api, one);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  const rows = await stack.sql<{ id: string; openId: string; username: string }[]>`
    select id, open_id as "openId", username from oauth_accounts
    where username in ${stack.sql(wanted.map(({ username }) => username))}`;
  return wanted.map(({ provider, username }) => {
    const row = rows.find((candidate) => candidate.username === username);
    if (row === undefined) throw new Error(`${username} was not connected`);
    return { ...row, provider };
  });
}

/** Somebody connects their account, for the first time or again. */
export async function comeBack(
  api: ApiClient,
  { provider, username }: Pick<ChaosAccount, 'provider' | 'username'>,
): Promise<void> {
  await api.comeBack(provider, username, PROVIDERS[provider].consent(username));
}
