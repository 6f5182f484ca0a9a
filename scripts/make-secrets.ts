import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

/**
 * `node scripts/make-secrets.ts FOLDER [--owner UID]`: creates the secrets of an installation, one a file, and keeps
 * existing ones. Containers see subfolders of FOLDER: `database` is for everything that connects to PostgreSQL,
 * `everpost` for servers and workers (operators add the secrets of their apps), `admin` for servers. docker-compose.yml
 * runs it first.
 */
const { values, positionals } = parseArgs({ options: { owner: { type: 'string' } }, allowPositionals: true });
const [folder] = positionals;
if (folder === undefined) throw new Error('say which folder the secrets go to');

const password = secret('database/password', () => randomBytes(24).toString('hex'));
secret('database/url', () => `postgres://everpost:${encodeURIComponent(password)}@postgres:5432/everpost`);
secret('everpost/keyring', () => `k1:${randomBytes(32).toString('base64')}`);
secret('admin/key', () => randomBytes(32).toString('hex'));
giveAll(folder);

/** Reads a secret, or creates it if there is none. It never changes one. */
function secret(name: string, make: () => string): string {
  const file = join(folder ?? '', name);
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  mkdirSync(dirname(file), { recursive: true });
  const text = make();
  // If the process dies while writing, no partial secret remains under the name.
  writeFileSync(`${file}.new`, text, { mode: 0o400, flush: true });
  renameSync(`${file}.new`, file);
  process.stdout.write(`made ${file}\n`);
  return text;
}

/** Makes the owner the only reader of all folders and files, including those that operators added. */
function giveAll(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) giveAll(below);
    else if (entry.isFile()) give(below, 0o400);
  }
  give(path, 0o700);
}

function give(path: string, mode: number): void {
  chmodSync(path, mode);
  const owner = Number(values.owner);
  if (values.owner !== undefined) chownSync(path, owner, owner);
}
