import process from 'node:process';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { createApi } from '../stack/client.ts';
import { newUser } from '../stack/users.ts';

/**
 * `node scripts/create-user.ts EMAIL [--display-name NAME]`, on a server's machine with its settings: creates a user
 * and prints a key, once. The name is the requester shown on the user's connect links.
 */
const {
  values: { 'display-name': displayName },
  positionals: [email],
} = parseArgs({ allowPositionals: true, options: { 'display-name': { type: 'string' } } });
if (email === undefined) throw new Error('say which e-mail address the user has');

const { adminKey, port } = readConfig('server');
const api = createApi(`http://127.0.0.1:${port}`, adminKey);
const { id, key } = await newUser(api, 'first', { email, displayName });
process.stdout.write(`user ${id}\nkey  ${key}\n`);
