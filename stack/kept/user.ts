import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { ApiError, createApi, type Api } from '../client.ts';
import { keep, randomKey, readKept } from './folder.ts';

const FILE = 'user.json';
const User = Type.Object({ email: Type.String(), key: Type.String() });
export type User = Static<typeof User>;

/** The user of `npm run dev` and `npm run demo`, made at the first start. */
export async function keptUser(apiUrl: string, adminKey: string): Promise<User> {
  const known = await stillGood(apiUrl);
  if (known !== null) return known;
  const admin = createApi(apiUrl, adminKey);
  const { id, email } = await makeUser(admin);
  const { key } = await admin.post(
    `/api/users/${id}/keys`,
    { name: 'npm run dev' },
    Type.Object({ key: Type.String() }),
  );
  keep(FILE, JSON.stringify({ email, key }));
  return { email, key };
}

/** The database may be another one than last time. */
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

const NewUser = Type.Object({ id: Type.String(), email: Type.String() });

async function makeUser(admin: Api): Promise<Static<typeof NewUser>> {
  try {
    return await admin.post('/api/users', { email: 'dev@example.com' }, NewUser);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    // Made by a folder that is gone, in a database that is not.
    return admin.post(
      '/api/users',
      { email: `dev+${randomKey().slice(0, 8).toLowerCase()}@example.com` },
      NewUser,
    );
  }
}
