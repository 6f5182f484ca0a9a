import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../stack/run.ts';

/** `npm run check:migrations`: fails when db/schema/ says something that no migration does yet. */
const root = fileURLToPath(new URL('..', import.meta.url));
const problem = await drift();
if (problem !== null) {
  console.error(problem);
  process.exitCode = 1;
}

/** Generates the next migration beside a copy of the others, and leaves nothing behind. */
async function drift(): Promise<string | null> {
  const copy = mkdtempSync(join(tmpdir(), 'everpost-migrations-'));
  try {
    cpSync(join(root, 'db/migrations'), copy, { recursive: true });
    const before = migrations(copy);
    const said = await generate(copy);
    const missing = migrations(copy).filter((name) => !before.includes(name));
    if (missing.length > 0) {
      const statements = missing.map((name) => readFileSync(join(copy, name), 'utf8').trim()).join('\n');
      return `db/schema/ and db/migrations differ. Run "npm run db:generate" and commit what it writes:\n\n${statements}`;
    }
    // drizzle-kit also ends with 0 if it fails, or if it has to ask what was renamed and nobody answers.
    if (said.includes('No schema changes')) return null;
    return `db/schema/ could not be compared with db/migrations. Run "npm run db:generate" to see why.\n\n${said}`;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function migrations(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.sql'));
}

/** Uses the settings of drizzle.config.ts except the folder, which drizzle-kit treats as relative. */
async function generate(folder: string): Promise<string> {
  const drizzleKit = join(dirname(createRequire(import.meta.url).resolve('drizzle-kit')), 'bin.cjs');
  const options = ['--dialect=postgresql', '--schema=db/schema.ts', `--out=${relative(root, folder)}`];
  return run([process.execPath, drizzleKit, 'generate', ...options], { cwd: root });
}
