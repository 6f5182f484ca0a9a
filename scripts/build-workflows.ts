import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { run } from '../stack/run.ts';
import { builtBundle } from '../workflow-bundle.ts';

/**
 * `npm run build:workflows`: bundles the workflow code into one file in `build/`, where workers of this version find
 * it. `node scripts/build-workflows.ts FILE` writes it to FILE, `-` prints it.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const wanted = process.argv[2] ?? builtBundle();
// In a path, these characters have a meaning for webpack.
if (/[!#?]/.test(ROOT)) await buildThroughLink();
else if (wanted === '-') process.stdout.write(await bundle());
else await write(resolve(wanted));

async function bundle(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows/index.ts'),
    workflowInterceptorModules: [join(ROOT, 'workflows/interceptors.ts')],
    logger: new DefaultLogger('WARN'),
    webpackConfigHook: (config) => ({ ...config, resolve: { ...config.resolve, symlinks: false } }),
  });
  return code;
}

/** Moved into place in one step: a worker that starts now reads all of it or nothing. */
async function write(file: string): Promise<void> {
  const code = await bundle();
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, code);
  await rename(unfinished, file);
  console.log(file);
}

/** Runs this script through a path of the checkout that webpack can read. */
async function buildThroughLink(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'everpost-'));
  try {
    const link = join(folder, 'checkout');
    symlinkSync(ROOT, link);
    const keepLinks = ['--preserve-symlinks', '--preserve-symlinks-main'];
    const script = join(link, 'scripts/build-workflows.ts');
    const target = wanted === '-' ? wanted : resolve(wanted);
    process.stdout.write(`${await run([process.execPath, ...keepLinks, script, target])}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
