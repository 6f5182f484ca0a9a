import { statSync } from 'node:fs';
import { createApi, type Api } from '../../stack/client.ts';
import { connectSandboxAccount } from '../../stack/connect.ts';
import { problemOf, show, type Outcome } from './outcome.ts';
import { sha256OfFile } from './hash-file.ts';
import { keptUser } from '../../stack/kept/user.ts';
import { peakMemory, resetPeakMemory } from '../../stack/peak-memory.ts';
import type { Driver } from '../../test/drivers/driver.ts';
import type { Made, Sandbox } from '../../test/drivers/sandbox.ts';
import { during, say, seconds } from '../../stack/say.ts';
import type { KeptStack } from '../../stack/kept/stack.ts';
import { sandboxAt } from '../../stack/sandbox.ts';
import { uploadMedia } from '../../stack/upload.ts';
import { Post, watchPost } from '../../stack/watch-post.ts';

/** Shared by the posts of one demo. */
interface Demo {
  api: Api;
  sandbox: Sandbox;
  mediaId: string;
  size: number;
}

/**
 * The main job, once for each provider, concurrently and visibly. Throws unless the video is live everywhere, with its
 * address and equal to the file.
 */
export async function publishDemo(
  stack: KeptStack,
  drivers: readonly Driver[],
  file: string,
  started: number,
): Promise<void> {
  const { apiUrl, sandboxUrl = '' } = stack;
  const { key } = await keptUser(apiUrl, stack.secrets.adminKey);
  const api = createApi(apiUrl, key);
  say(`Stack is up (${seconds(Date.now() - started)}). API ${apiUrl}, sandbox ${sandboxUrl}`);

  const accountIds: string[] = [];
  for (const driver of drivers) {
    const connecting = connectSandboxAccount(api, sandboxUrl, driver, sayRedirect);
    accountIds.push(await during(`Connecting the ${driver.title} account`, connecting));
    say(`Connected: ${driver.title} account ${accountIds.at(-1)}`);
  }

  const size = statSync(file).size;
  let sent = 0;
  const uploading = uploadMedia(api, key, file, (bytes) => (sent = bytes));
  const [mediaId, sha256] = await Promise.all([
    during(() => `Uploading to Everpost ${percent(sent, size)}`, uploading),
    sha256OfFile(file),
  ]);
  say(`Uploaded: media ${mediaId}, ${megabytes(size)}, sha256 ${sha256.slice(0, 12)}...`);

  const memoryBefore = resetPeakMemory(stack.worker.pid);
  const demo = { api, sandbox: sandboxAt(sandboxUrl), mediaId, size };
  const outcomes = await Promise.all(
    drivers.map((driver, index) => publishAt(driver, accountIds[index] ?? '', demo)),
  );
  const memory = workerMemory(memoryBefore, peakMemory(stack.worker.pid));
  show(outcomes, { stack, sha256, workerMemory: memory, inAllMs: Date.now() - started });

  const problems = outcomes.flatMap((outcome) => problemOf(outcome, sha256) ?? []);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** Never throws: an error at one provider is reported beside the others' results. */
async function publishAt(driver: Driver, accountId: string, demo: Demo): Promise<Outcome> {
  const { api, sandbox, mediaId, size } = demo;
  const since = Date.now();
  let post: Post | null = null;
  try {
    const body = driver.videoPost(accountId, mediaId, 'Hello from Everpost');
    post = await api.post(driver.publishPath, body, Post);
    say(`Accepted: ${driver.title} post ${post.id}, workflow ${post.workflowId}`);
    post = await watch(api, driver, post.id, size);
    const ms = Date.now() - since;
    const received = await receivedAt(driver, sandbox, post);
    return { driver, post, received, ms, error: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { driver, post, received: null, ms: Date.now() - since, error: message };
  }
}

/** A post with one file is one publish, whose id it has. */
async function receivedAt(driver: Driver, sandbox: Sandbox, { publishId }: Post): Promise<Made | null> {
  return (await driver.made(sandbox)).find(({ id }) => id === publishId) ?? null;
}

async function watch(api: Api, { title }: Driver, id: string, size: number): Promise<Post> {
  let shown = '';
  let now = '';
  const watching = watchPost(api, id, patienceFor(size), (post) => {
    const { sentBytes = 0, totalBytes = size } = post.progress ?? {};
    now = post.state === 'transferring' ? `transferring ${percent(sentBytes, totalBytes)}` : describe(post);
    const step = post.state === 'transferring' ? 'transferring' : now;
    if (step !== shown) say(`  ${title}: ${step}`);
    shown = step;
  });
  return during(() => `${title}: ${now}`, watching);
}

/** A minute, and a second for each megabyte. */
function patienceFor(size: number): number {
  return 60_000 + size / 1_000;
}

function describe({ state, phase }: Post): string {
  return phase === undefined || phase === null || phase === state ? state : `${state} (${phase})`;
}

/** Never prints the query: it contains codes and states. */
function sayRedirect({ origin, pathname }: URL): void {
  say(`  redirected to ${origin}${pathname}`);
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? 100 : Math.floor((part / whole) * 100)} %`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

function workerMemory(before: number | null, peak: number | null): string {
  if (peak === null) return 'unknown on this system';
  return before === null
    ? `${peak} MB at most, start included`
    : `${before} MB before, ${peak} MB at most while publishing`;
}
