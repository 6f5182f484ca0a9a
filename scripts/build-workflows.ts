import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { builtBundle } from './workflow-bundle.ts';

/**
 * `npm run build:workflows`: writes the workflow code as one file below `build/`, where workers of this version find it.
 * `node scripts/build-workflows.ts FILE` writes it to FILE, `-` prints it.
 */
const path = (name: string): string => fileURLToPath(new URL(`../workflows/${name}`, import.meta.url));
const { code } = await bundleWorkflowCode({
  workflowsPath: path('index.ts'),
  workflowInterceptorModules: [path('interceptors.ts')],
  logger: new DefaultLogger('WARN'),
});
const wanted = process.argv[2];
if (wanted === '-') process.stdout.write(code);
else await write(resolve(wanted ?? builtBundle()));

/** Into place in one step: a worker that starts now reads all of it or nothing. */
async function write(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, code);
  await rename(unfinished, file);
  console.log(file);
}
