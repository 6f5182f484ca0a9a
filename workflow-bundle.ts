import { createHash } from 'node:crypto';
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { StartError } from './startup.ts';
import { environment } from './stack/environment.ts';
import { run } from './stack/run.ts';

/*
 * Workers run the workflows from one file. Making it takes seconds, memory, and a place that can be written, so it is made
 * once for each version: at the build of an image, or by the first worker that starts. The version is in the file's name.
 */

const ROOT = fileURLToPath(new URL('.', import.meta.url));

export interface WorkflowBundle {
  code: string;
  /** Where it comes from, for the log. */
  origin: string;
}

/** Where `npm run build:workflows` writes the bundle of this version. */
export function builtBundle(): string {
  return join(ROOT, 'build', bundleName());
}

/**
 * The workflow code: as it was built, as an earlier worker has kept it in `dir`, or made now, in a process of its own (the
 * bundler would leave some 150 MB in a worker's memory).
 * @param dir EVERPOST_DIR; need not exist or be writable
 * @throws Error that says how to build it beforehand, where nothing can be written
 */
export async function workflowBundle(dir: string): Promise<WorkflowBundle> {
  const kept = join(dir, bundleName());
  for (const file of [builtBundle(), kept]) {
    const code = readIfThere(file);
    if (code !== null) return { code, origin: file };
  }
  return (await makeAndKeep(dir, kept)) ?? makeForThisStart();
}

/** Null where `dir` cannot be written. */
async function makeAndKeep(dir: string, kept: string): Promise<WorkflowBundle | null> {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    accessSync(dir, constants.W_OK);
  } catch {
    return null;
  }
  await make(kept).catch(() => makeWithoutHome(kept));
  for (const name of readdirSync(dir))
    if (name.startsWith('workflows-') && !name.startsWith(basename(kept)))
      rmSync(join(dir, name), { force: true });
  return { code: readFileSync(kept, 'utf8'), origin: `made now, kept as ${kept}` };
}

/** The bundler's transpiler unpacks a library: beside the file, if neither the home nor the temporary folder can be written. */
async function makeWithoutHome(file: string): Promise<void> {
  const unpacked = mkdtempSync(join(dirname(file), 'bundling-'));
  try {
    await make(file, { SWC_NATIVE_BINDING_CACHE: unpacked });
  } finally {
    rmSync(unpacked, { recursive: true, force: true });
  }
}

async function makeForThisStart(): Promise<WorkflowBundle> {
  try {
    return { code: await make('-'), origin: 'made now, for this start only: EVERPOST_DIR cannot be written' };
  } catch (error) {
    throw new StartError(
      `The workflows could not be bundled, and ${builtBundle()} cannot be read. Run "npm run build:workflows" ` +
        'before (at the build of an image), or let EVERPOST_DIR be a folder that can be written.',
      { cause: error },
    );
  }
}

async function make(file: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const script = join(ROOT, 'scripts/build-workflows.ts');
  return run([process.execPath, script, file], { env: { ...environment, ...env } });
}

/** The folders of which anything may be in the bundle, and the files. */
const FOLDERS = ['workflows', 'temporal'] as const;
const FILES = ['durations.ts', 'plan.ts'] as const;

function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .toSorted()
    .map((name) => join(folder, name));
}

/** Named by what it is made of: our sources and the SDK. */
function bundleName(): string {
  const hash = createHash('sha256');
  for (const file of [...FILES, ...FOLDERS.flatMap(filesOf)]) {
    hash.update(`${file}\0`);
    hash.update(readFileSync(join(ROOT, file)));
  }
  hash.update(readFileSync(createRequire(import.meta.url).resolve('@temporalio/worker/package.json')));
  return `workflows-${hash.digest('hex').slice(0, 16)}.js`;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
