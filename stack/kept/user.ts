import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { ApiError, createApi, type Api } from '../client.ts';
import { newUser } from '../users.ts';
import { keep, randomKey, readKept } from './folder.ts';

const FILE = 'user.json';
const KEY_NAME = 'npm run dev';
const User = Type.Object({ email: Type.String(), key: Type.String() });
export type User = Static<typeof User>;

/** The user of `npm run dev` and `npm run demo`, created at the first start. */
export async function keptUser(apiUrl: string, adminKey: string): Promise<User> {
  const known = await stillGood(apiUrl);
  if (known !== null) return known;
  const { email, key } = await makeUser(createApi(apiUrl, adminKey));
  keep(FILE, JSON.stringify({ email, key }));
  return { email, key };
}

/** The database may have changed since the last start. */
async function stillGood(apiUrl: string): Promise<User | null> {
  const text = readKept(FILE);
  const user: unknown = text === null ? null : JSON.parse(text);
  if (!Value.Check(User, user)) return null;
  try {
    await createApi(apiUrl, user.key).get('/api/accounts', Type.Unknown());
    return user;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

async function makeUser(admin: Api): Promise<User> {
  try {
    return await newUser(admin, KEY_NAME, { email: 'dev@example.com' });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    // A folder that is gone has made it, in a database that is not.
    return newUser(admin, KEY_NAME, { email: `dev+${randomKey().slice(0, 8).toLowerCase()}@example.com` });
  }
}
