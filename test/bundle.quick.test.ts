import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { run } from '../stack/run.ts';
import type { Workflows } from '../temporal/contract.ts';
import * as registry from '../workflows/index.ts';

/*
 * The contents of the workflows' bundle: our workflow files, the plan, the shared messages and names, and the few
 * packages of the SDK.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const path = (file: string): string => fileURLToPath(new URL(`../workflows/${file}`, import.meta.url));
/** Named as in webpack: a file's path, or `external ...` for a Node.js built-in. */
let modules: string[];

beforeAll(async () => {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path('index.ts'),
    workflowInterceptorModules: [path('interceptors.ts')],
    logger: new DefaultLogger('WARN'),
  });
  modules = [...code.matchAll(/^ {2}!\*{3} (.+?) \*{3}!$/gm)].map(([, name]) => name ?? '');
});

test('of our code it contains only workflows/, the plan, durations, patience, and the shared part of temporal/', () => {
  const own = modules.filter((name) => !name.includes('node_modules/'));
  expect(own).toContain('./workflows/publish-post.ts');
  expect(own).toContain('./workflows/interceptors.ts');
  // Activities, database, providers, crypto, the API, Temporal's client and Node.js built-ins would all appear here.
  expect(own.filter((name) => !/^\.\/workflows\/[a-z-]+\.(ts|cjs)$/.test(name)).toSorted()).toEqual([
    './durations.ts',
    './patience.ts',
    './plan.ts',
    './temporal/messages.ts',
    './temporal/names.ts',
    '__temporal_custom_failure_converter (ignored)',
    '__temporal_custom_payload_converter (ignored)',
  ]);
});

test('of packages it contains only the SDK’s', () => {
  const packages = modules.flatMap((name) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? []);
  expect([...new Set(packages)].toSorted()).toEqual([
    '@temporalio/common',
    '@temporalio/workflow',
    'long',
    'ms',
    'nexus-rpc',
  ]);
});

test('the registry exports the contract’s workflows and nothing else', () => {
  const workflows: Workflows = registry;
  const known = [
    'deletePost',
    'handleEvent',
    'keepTokenFresh',
    'mediaUpload',
    'moderateComment',
    'publishPost',
    'sweep',
    'syncAccount',
    'syncDue',
  ];
  expect(Object.keys(workflows).toSorted()).toEqual(known);
  for (const workflow of Object.values(workflows)) expect(workflow).toBeTypeOf('function');
});

test('it can be built in a checkout whose path has characters special to shells, URLs and webpack', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'everpost-bundle-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const checkout = join(folder, 'a! %41 #b "c" $HOME `d?');
  const listed = await run(['git', 'ls-files'], { cwd: ROOT });
  const names = new Set(listed.split('\n').map((file) => file.split('/')[0] ?? ''));
  names.delete('test');
  for (const name of names) cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  const command = [process.execPath, 'scripts/build-workflows.ts', join(checkout, 'bundle.js')];
  expect(await run(command, { cwd: checkout })).toBe(join(checkout, 'bundle.js'));
  expect(readFileSync(join(checkout, 'bundle.js'), 'utf8')).toContain('publishPost');
});
