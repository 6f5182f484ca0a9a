import { SAMPLE } from '../stack/checkout.ts';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createApi, type Api } from '../stack/client.ts';
import {
  buildImages,
  compressedSize,
  docker,
  needEngine,
  withComposedStack,
  type ComposedStack,
} from '../stack/composed.ts';
import { connectSandboxAccount } from '../stack/connect.ts';
import { findLocalhostNames } from '../stack/localhost-names.ts';
import { untilApiReady } from '../stack/readiness.ts';
import { Interrupted, runScript } from '../stack/run-script.ts';
import { sandboxAt } from '../stack/sandbox.ts';
import type { Driver } from '../test/drivers/driver.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import type { Sandbox } from '../test/drivers/sandbox.ts';
import { during, say, seconds } from '../stack/say.ts';
import { uploadMedia } from '../stack/upload.ts';
import { Post, watchPost } from '../stack/watch-post.ts';

/**
 * `npm run test:compose`: builds the images, starts docker-compose.yml with the sandbox's `.env` from README.md,
 * publishes to every platform, and kills each container once during the posts (it only stops the sandbox, because a
 * real platform loses nothing). Fails unless every post is live exactly once. Removes everything at the end.
 */
const MOST_BYTES = 250e6;
const PATIENCE_MS = 600_000;
const README = fileURLToPath(new URL('../README.md', import.meta.url));

/** An accepted post, and its key in the sandbox. */
interface Accepted {
  driver: Driver;
  id: string;
  text: string;
}

await runScript(130, async () => {
  const interrupted = Promise.withResolvers<never>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupted.reject(new Interrupted('interrupted')));
  await needEngine();
  await during('Building the images', buildImages());
  const bytes = await during('Measuring the image', compressedSize());
  say(`The image of server and worker has ${(bytes / 1e6).toFixed(0)} MB, compressed`);
  if (bytes > MOST_BYTES) throw new Error(`It must not have more than ${MOST_BYTES / 1e6} MB`);
  const [, dotEnv = ''] =
    /^```sh\n(COMPOSE_PROFILES=sandbox\n.*?)^```/ms.exec(readFileSync(README, 'utf8')) ?? [];
  findLocalhostNames();
  const started = Date.now();
  await withComposedStack(dotEnv, (stack) => Promise.race([interrupted.promise, tryOut(stack, started)]));
});

async function tryOut(stack: ComposedStack, started: number): Promise<void> {
  const ready = (): Promise<void> => untilApiReady(stack.apiUrl, new AbortController().signal);
  await ready();
  say(`Everything is up after ${seconds(Date.now() - started)}`);

  const created = await stack.compose(
    'exec',
    '--no-TTY',
    'server',
    'node',
    'scripts/create-user.ts',
    'trial@example.com',
  );
  const key = /^key +(\S+)$/m.exec(created)?.[1] ?? '';
  const api = createApi(stack.apiUrl, key);
  const sandbox = sandboxAt(stack.sandboxUrl);
  const accounts = new Map<Driver, string>();
  for (const driver of DRIVERS)
    accounts.set(driver, await connectSandboxAccount(api, stack.sandboxUrl, driver));
  const mediaId = await uploadMedia(api, key, SAMPLE);
  const publish = (what: string): Promise<Accepted[]> =>
    Promise.all([...accounts].map((account) => publishAt(api, mediaId, account, what)));

  const posts = await publish('undisturbed');
  await checkLiveOnce(api, sandbox, posts);
  say(`One post to each of ${DRIVERS.map(({ title }) => title).join(', ')}: live once`);

  for (const { service, id } of await stack.containers()) {
    posts.push(...(await publish(`${service} dies`)));
    // A platform does not forget its answers; the sandbox saves its state when it is asked to stop.
    await (service === 'sandbox' ? docker('stop', id) : docker('kill', '--signal', 'KILL', id));
    await docker('start', id);
    await during(`Ended ${service}, and started it again`, ready());
  }
  await during('Waiting for all posts', checkLiveOnce(api, sandbox, posts));
  say(`${posts.length} posts while each container ended once: every one is live exactly once`);
  await checkStop(stack);
}

async function publishAt(
  api: Api,
  mediaId: string,
  [driver, accountId]: [Driver, string],
  text: string,
): Promise<Accepted> {
  const { id } = await api.post(driver.publishPath, driver.videoPost(accountId, mediaId, text), Post);
  return { driver, id, text };
}

/** @throws Error unless every post is published, and the sandbox has it once */
async function checkLiveOnce(api: Api, sandbox: Sandbox, posts: readonly Accepted[]): Promise<void> {
  const problems = posts.map(async ({ driver, id, text }) => {
    const { state, error } = await watchPost(api, id, PATIENCE_MS, () => {});
    const made = await driver.made(sandbox);
    const live = made.filter((one) => one.live && one.text === text).length;
    return state === 'published' && live === 1
      ? []
      : `${driver.title}, ${text}: ${state} ${error?.message ?? ''}, ${live} live at the platform`;
  });
  const wrong = (await Promise.all(problems)).flat();
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}

/** SIGTERM stops our processes in order. */
async function checkStop(stack: ComposedStack): Promise<void> {
  const ours = (await stack.containers()).filter(({ service }) => /^(server|worker)/.test(service));
  await during('Ending server and workers', stack.compose('stop', ...ours.map(({ service }) => service)));
  for (const { service, id } of ours) {
    const code = await docker('inspect', '--format', '{{.State.ExitCode}}', id);
    if (code !== '0') throw new Error(`${service} ended with ${code} after SIGTERM`);
  }
}
