import { randomUUID } from 'node:crypto';
import { type Api, createApi } from '../stack/client.ts';
import { newUser } from '../stack/users.ts';
import { connectSandboxAccount } from '../stack/connect.ts';
import { tiktok } from '../test/drivers/tiktok.ts';
import type { Stack } from './stack.ts';

export interface Tenant {
  api: Api;
  key: string;
}

/** A user with a key. */
export async function newTenant({ apiUrl, secrets }: Stack): Promise<Tenant> {
  const admin = createApi(apiUrl, secrets.adminKey);
  const { key } = await newUser(admin, 'bench');
  return { api: createApi(apiUrl, key), key };
}

/** Connects this many creators, one after the other. @returns the accounts' ids */
export async function connectAccounts({ api }: Tenant, stack: Stack, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1)
    ids.push(
      await connectSandboxAccount(
        api,
        stack.sandboxUrl,
        tiktok,
        () => {},
        `creator_${randomUUID().slice(0, 8)}`,
      ),
    );
  return ids;
}
