import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { beforeAll, expect, test } from 'vitest';
import * as registry from '../workflows/index.ts';

/* What the sandbox of the workflows contains: our workflow files, and the few packages that the SDK brings along. */

const path = (file: string): string => fileURLToPath(new URL(`../workflows/${file}`, import.meta.url));
/** As webpack names them: the path of a file, `external ...` for a built-in of Node.js. */
let modules: string[];

beforeAll(async () => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path('index.ts'),
    workflowInterceptorModules: [path('interceptors.ts')],
    logger: new DefaultLogger('WARN'),
  });
  modules = [...code.matchAll(/^ {2}!\*{3} (.+?) \*{3}!$/gm)].map(([, name]) => name ?? '');
});

test('our own code in it is workflows/ and nothing else', () => {
  const own = modules.filter((name) => !name.includes('node_modules/'));
  expect(own).toContain('./workflows/publish-post.ts');
  expect(own).toContain('./workflows/interceptors.ts');
  // Activities, database, providers, crypto, API and built-ins of Node.js would all stand here.
  expect(own.filter((name) => !/^\.\/workflows\/[a-z-]+\.(ts|cjs)$/.test(name))).toEqual([
    '__temporal_custom_failure_converter (ignored)',
    '__temporal_custom_payload_converter (ignored)',
  ]);
});

test('of the files in workflows/, those that talk to the server stay out', () => {
  expect(modules).not.toContain('./workflows/start.ts');
  expect(modules).not.toContain('./workflows/setup.ts');
});

test('packages in it are those of the SDK', () => {
  const packages = modules.flatMap((name) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? []);
  expect([...new Set(packages)].toSorted()).toEqual([
    '@temporalio/common',
    '@temporalio/workflow',
    'long',
    'ms',
    'nexus-rpc',
  ]);
});

test('the registry exports the workflows that we know and nothing else', () => {
  const known = ['deletePost', 'handleEvent', 'keepTokenFresh', 'mediaUpload', 'publishPost', 'sweep'];
  expect(Object.keys(registry).toSorted()).toEqual(known);
  for (const workflow of Object.values(registry)) expect(workflow).toBeTypeOf('function');
});
