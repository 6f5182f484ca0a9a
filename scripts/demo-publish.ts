import { statSync } from 'node:fs';
import { Type } from 'typebox';
import { createApi } from './api-client.ts';
import { connectSandboxAccount } from './connect-account.ts';
import { sha256OfFile } from './hash-file.ts';
import { keptUser } from './kept-user.ts';
import { peakMemory, resetPeakMemory } from './peak-memory.ts';
import { Post, videoPost, watchPost } from './publish-video.ts';
import { during, say, seconds } from './say.ts';
import type { Stack } from './start-stack.ts';
import { workflowPage } from './temporal-ui.ts';
import { uploadMedia } from './upload-media.ts';

const Publishes = Type.Array(
  Type.Object({
    id: Type.String(),
    chunks: Type.Array(Type.Unknown()),
    sha256: Type.Union([Type.String(), Type.Null()]),
  }),
);

/** The main job, once, visibly. Throws unless the video is live with its address and equal to the file. */
export async function publishDemo(stack: Stack, file: string, started: number): Promise<void> {
  const { apiUrl, sandboxUrl = '' } = stack;
  const { key } = await keptUser(apiUrl, stack.adminKey);
  const api = createApi(apiUrl, key);
  say(`Stack is up (${seconds(Date.now() - started)}). API ${apiUrl}, sandbox ${sandboxUrl}`);

  const accountId = await during(
    'Connecting the account',
    connectSandboxAccount(api, sandboxUrl, sayRedirect),
  );
  say(`Connected: account ${accountId}`);

  const size = statSync(file).size;
  let sent = 0;
  const uploading = uploadMedia(api, key, file, (bytes) => (sent = bytes));
  const [mediaId, sha256] = await Promise.all([
    during(() => `Uploading to Everpost ${percent(sent, size)}`, uploading),
    sha256OfFile(file),
  ]);
  say(`Uploaded: media ${mediaId}, ${megabytes(size)}, sha256 ${sha256.slice(0, 12)}...`);

  const memoryBefore = resetPeakMemory(stack.worker.pid);
  const publishing = Date.now();
  const accepted = await api.post(
    '/api/tiktok/upload',
    videoPost(accountId, mediaId, 'Hello from Everpost'),
    Post,
  );
  say(`Accepted: post ${accepted.id}, workflow ${accepted.workflowId}`);
  const post = await watch(api, accepted.id, size);
  const publishMs = Date.now() - publishing;

  const publishes = await createApi(sandboxUrl).get('/_sandbox/tiktok/publishes', Publishes);
  const received = publishes.find(({ id }) => id === post.publishId);
  const equal = received?.sha256 === sha256;
  const peak = peakMemory(stack.worker.pid);
  say();
  table({
    state: post.state,
    permalink: post.permalink ?? 'none',
    'provider post id': post.providerPostId ?? 'none',
    chunks: `${received?.chunks.length ?? 0}`,
    sha256: equal
      ? 'equal: the sandbox has the bytes of the file'
      : `differs: ${received?.sha256 ?? 'nothing'}`,
    'worker memory': workerMemory(memoryBefore, peak),
    time: `${seconds(publishMs)} from request to result, ${seconds(Date.now() - started)} in all`,
    ...(stack.temporalUiUrl === undefined
      ? {}
      : { 'Temporal UI': workflowPage(stack.temporalUiUrl, post.workflowId) }),
    API: `${apiUrl}/api/posts/${post.id} (docs: ${apiUrl}/docs)`,
  });
  say();
  if (post.error !== null)
    throw new Error(`The post is ${post.state}: ${post.error.code}: ${post.error.message}`);
  if (post.state !== 'published')
    throw new Error(`The post is not published but ${post.state}. ${waitsFor(post)}`);
  if (post.permalink === null) throw new Error('The post is published, but its permalink never came.');
  if (!equal) throw new Error('What the sandbox received is not the file.');
}

async function watch(api: ReturnType<typeof createApi>, id: string, size: number): Promise<Post> {
  let shown = '';
  let now = '';
  const watching = watchPost(api, id, patienceFor(size), (post) => {
    const { sentBytes = 0, totalBytes = size } = post.progress ?? {};
    now = post.state === 'transferring' ? `transferring ${percent(sentBytes, totalBytes)}` : describe(post);
    const step = post.state === 'transferring' ? 'transferring' : now;
    if (step !== shown) say(`  ${step}`);
    shown = step;
  });
  return during(() => `Publishing: ${now}`, watching);
}

/** A minute, and a second for each megabyte. */
function patienceFor(size: number): number {
  return 60_000 + size / 1_000;
}

function describe({ state, phase }: Post): string {
  return phase === undefined || phase === null || phase === state ? state : `${state} (${phase})`;
}

function waitsFor(post: Post): string {
  return post.next === null || post.next === undefined ? '' : `Next: ${JSON.stringify(post.next)}`;
}

/** Never the query: it carries codes and states. */
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

function table(rows: Readonly<Record<string, string>>): void {
  const width = Math.max(...Object.keys(rows).map((name) => name.length));
  for (const [name, value] of Object.entries(rows)) say(`  ${name.padEnd(width)}  ${value}`);
}
