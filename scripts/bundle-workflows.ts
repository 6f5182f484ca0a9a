import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** `node scripts/bundle-workflows.ts`: prints the workflow code as one file, for a worker that is about to start. */
const path = (name: string): string => fileURLToPath(new URL(`../workflows/${name}`, import.meta.url));
const { code } = await bundleWorkflowCode({
  workflowsPath: path('index.ts'),
  workflowInterceptorModules: [path('interceptors.ts')],
  logger: new DefaultLogger('WARN'),
});
process.stdout.write(code);
