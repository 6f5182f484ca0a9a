import process from 'node:process';
import { Type } from 'typebox';
import { readConfig } from '../config.ts';
import { createApi } from './api-client.ts';

/**
 * `node scripts/create-user.ts EMAIL`, where a server runs and with its settings: makes a user and prints a key, which is
 * shown this once.
 */
const [email] = process.argv.slice(2);
if (email === undefined) throw new Error('say which e-mail address the user has');

const { adminKey, port } = readConfig('server');
const api = createApi(`http://127.0.0.1:${port}`, adminKey);
const { id } = await api.post('/api/users', { email }, Type.Object({ id: Type.String() }));
const { key } = await api.post(
  `/api/users/${id}/keys`,
  { name: 'first' },
  Type.Object({ key: Type.String() }),
);
process.stdout.write(`user ${id}\nkey  ${key}\n`);
