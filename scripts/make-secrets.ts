import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

/**
 * `node scripts/make-secrets.ts FOLDER [--owner UID]`: makes the secrets of an installation, one a file, and leaves those
 * that are there. docker-compose.yml runs it before everything else.
 */
const { values, positionals } = parseArgs({ options: { owner: { type: 'string' } }, allowPositionals: true });
const [folder] = positionals;
if (folder === undefined) throw new Error('say which folder the secrets go to');

mkdirSync(folder, { recursive: true });
chmodSync(folder, 0o700);
const password = make('postgres_password', randomBytes(24).toString('hex'));
if (password !== null) make('database_url', `postgres://everpost:${password}@postgres:5432/everpost`);
make('keyring', `k1:${randomBytes(32).toString('base64')}`);
make('admin_key', randomBytes(32).toString('hex'));
give(folder);

/** @returns null where there is such a file: a secret is never changed */
function make(name: string, secret: string): string | null {
  const file = join(folder ?? '', name);
  try {
    writeFileSync(file, secret, { flag: 'wx', mode: 0o400 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return null;
    throw error;
  }
  give(file);
  process.stdout.write(`made ${file}\n`);
  return secret;
}

function give(path: string): void {
  const owner = Number(values.owner);
  if (values.owner !== undefined) chownSync(path, owner, owner);
}
