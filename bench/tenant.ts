import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { type Api, createApi } from '../stack/client.ts';
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
  const { id } = await admin.post(
    '/api/users',
    { email: `${randomUUID()}@example.com` },
    Type.Object({ id: Type.String() }),
  );
  const { key } = await admin.post(
    `/api/users/${id}/keys`,
    { name: 'bench' },
    Type.Object({ key: Type.String() }),
  );
  return { api: createApi(apiUrl, key), key };
}

/** Connects that many creators, one after the other. @returns the accounts' ids */
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
