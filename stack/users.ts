import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import type { Api } from './client.ts';

export interface User {
  id: string;
  email: string;
  key: string;
}

const NewUser = Type.Object({ id: Type.String(), email: Type.String() });
const NewKey = Type.Object({ key: Type.String() });

/**
 * Creates a user with a key. @param admin a client with the admin key @param given the user's fields, e-mail address
 * included
 */
export async function newUser(
  admin: Api,
  keyName: string,
  given: { email: string; displayName?: string | undefined } = { email: `${randomUUID()}@example.com` },
): Promise<User> {
  const { id, email } = await admin.post('/api/users', given, NewUser);
  const { key } = await admin.post(`/api/users/${id}/keys`, { name: keyName }, NewKey);
  return { id, email, key };
}
