import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROVIDER_NAMES } from '../providers/provider.ts';

/* Names that a folder must not contain (docs/architecture.md). */

const ROOT = join(import.meta.dirname, '..');
/** Also by the name of a table: `ig_media`, `igMedia`. */
const PROVIDER = new RegExp(`${PROVIDER_NAMES.join('|')}|\\big_|\\big(media|comments|account)`, 'i');

/** The lines of these files that name a provider. */
function naming(files: string[]): string[] {
  expect(files).not.toEqual([]);
  return files.flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .filter((line) => PROVIDER.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
}

const within = (pattern: string, own: readonly string[] = []): string[] =>
  globSync(pattern, { cwd: ROOT }).filter((file) => !own.includes(file));

test.each(['workflows', 'activities', 'temporal'])('%s/ names no provider', (room) => {
  expect(naming(within(`${room}/**/*.ts`))).toEqual([]);
});

test('plan.ts and reading.ts name no provider', () => {
  expect(naming(['plan.ts', 'reading.ts'])).toEqual([]);
});

test('db/ names providers only in their own tables, the hooks of these, and the schema', () => {
  const own = PROVIDER_NAMES.flatMap((name) => [`db/${name}.ts`, `db/schema/${name}.ts`]);
  expect(naming(within('db/**/*.ts', [...own, 'db/registry.ts', 'db/schema.ts']))).toEqual([]);
});

/** The contract's own routes of one provider, and what registers them. */
const ROUTES = ['app', 'tiktok-status', 'routes/tiktok'].map((name) => `api/${name}.ts`);

test('api/ names providers only in the routes that the contract has for one of them', () => {
  expect(naming(within('api/**/*.ts', ROUTES))).toEqual([]);
});

test('the generated docs follow the registry: their script names no provider', () => {
  expect(naming(['scripts/docs-tables.ts'])).toEqual([]);
});
