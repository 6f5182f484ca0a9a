import type { Driver } from '../../test/drivers/driver.ts';
import type { Made } from '../../test/drivers/sandbox.ts';
import { say, seconds } from '../../stack/say.ts';
import type { Stack } from '../../stack/start.ts';
import { workflowPage } from '../../stack/temporal-ui.ts';
import type { Post } from '../../stack/watch-post.ts';

/** The result of the video at one provider. */
export interface Outcome {
  driver: Driver;
  /** Null if the API did not accept it. */
  post: Post | null;
  /** The sandbox's record of it; null if there is none. */
  received: Made | null;
  /** From the request to the result. */
  ms: number;
  /** The error that hid the result. */
  error: string | null;
}

/** Why the post is not live, with its address and equal to the file; null if it is. */
export function problemOf({ driver, post, received, error }: Outcome, sha256: string): string | null {
  const { title } = driver;
  if (error !== null || post === null) return `${title}: ${error}`;
  if (post.error !== null)
    return `The ${title} post is ${post.state}: ${post.error.code}: ${post.error.message}`;
  if (post.state !== 'published')
    return `The ${title} post is not published but ${post.state}. ${waitsFor(post)}`;
  if (post.permalink === null) return `The ${title} post is published, but its permalink never came.`;
  return received?.sha256s[0] === sha256 ? null : `What the sandbox's ${title} received is not the file.`;
}

/** Facts beside the outcomes. */
export interface Summary {
  stack: Stack;
  /** Of the file. */
  sha256: string;
  workerMemory: string;
  /** From the start of the demo. */
  inAllMs: number;
}

/** Prints one outcome as a list, several with a line each. */
export function show(outcomes: readonly Outcome[], summary: Summary): void {
  const [first, second] = outcomes;
  say();
  if (first !== undefined && second === undefined) showOne(first, summary);
  else showAll(outcomes, summary);
  say();
}

function showOne({ post, received, ms }: Outcome, { stack, sha256, workerMemory, inAllMs }: Summary): void {
  if (post === null) return;
  const bytes = compare(received, sha256);
  table(
    Object.entries({
      state: post.state,
      permalink: post.permalink ?? 'none',
      'provider post id': post.providerPostId ?? 'none',
      ...(received?.chunks === undefined ? {} : { chunks: `${received.chunks}` }),
      sha256: bytes === 'equal' ? 'equal: the sandbox has the bytes of the file' : bytes,
      'worker memory': workerMemory,
      time: `${seconds(ms)} from request to result, ${seconds(inAllMs)} in all`,
      ...whereToLook(stack, post),
    }),
  );
}

function showAll(outcomes: readonly Outcome[], { stack, sha256, workerMemory, inAllMs }: Summary): void {
  table([
    ['provider', 'state', 'permalink', 'provider post id', 'sha256', 'time'],
    ...outcomes.map(({ driver, post, received, ms }) => [
      driver.title,
      post?.state ?? 'not accepted',
      post?.permalink ?? 'none',
      post?.providerPostId ?? 'none',
      compare(received, sha256),
      seconds(ms),
    ]),
  ]);
  say();
  table(
    Object.entries({
      'worker memory': workerMemory,
      time: `${seconds(inAllMs)} in all`,
      ...whereToLook(stack),
    }),
  );
}

function compare(received: Made | null, sha256: string): string {
  if (received === null) return 'nothing came';
  const [arrived = null] = received.sha256s;
  return arrived === sha256 ? 'equal' : `differs: ${arrived ?? 'not known'}`;
}

/** @param post without it, all posts are named */
function whereToLook({ apiUrl, temporalUiUrl }: Stack, post?: Post): Record<string, string> {
  const path = post === undefined ? 'posts' : `posts/${post.id}`;
  return {
    ...(temporalUiUrl === undefined ? {} : { 'Temporal UI': workflowPage(temporalUiUrl, post?.workflowId) }),
    API: `${apiUrl}/api/${path} (docs: ${apiUrl}/docs)`,
  };
}

function waitsFor(post: Post): string {
  return post.next === null || post.next === undefined ? '' : `Next: ${JSON.stringify(post.next)}`;
}

function table(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    say(
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}`,
    );
}
