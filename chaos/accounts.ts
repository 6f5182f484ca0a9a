import type { ApiClient } from './client.ts';
import { driverOf } from '../test/drivers/index.ts';
import type { ChaosAccount, ChaosCreator, PlannedAccount } from './creators.ts';
import type { World } from './world.ts';

/** So high that no platform makes an account wait. */
const POSTS_PER_DAY = 100_000;

/** Connects accounts for this round, four at a time. */
export async function connectAccounts(
  { stack, api }: World,
  tag: string,
  planned: readonly PlannedAccount[],
): Promise<ChaosAccount[]> {
  const wanted = planned.map((account, index) => ({ ...account, username: `chaos_${tag}_${index}` }));
  const left = [...wanted];
  const work = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      await driverOf(one.provider).addCreator(api, one, POSTS_PER_DAY);
      await comeBack(api, one);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  const rows = await stack.sql<{ id: string; openId: string; username: string }[]>`
    select id, open_id as "openId", username from oauth_accounts
    where username in ${stack.sql(wanted.map(({ username }) => username))}`;
  return wanted.map((creator) => {
    const row = rows.find(({ username }) => username === creator.username);
    if (row === undefined) throw new Error(`${creator.username} was not connected`);
    return { ...creator, ...row };
  });
}

/** A creator connects their account, for the first time or again. */
export async function comeBack(api: ApiClient, creator: ChaosCreator): Promise<void> {
  await api.connect(creator, driverOf(creator.provider).chaos.consent(creator));
}
