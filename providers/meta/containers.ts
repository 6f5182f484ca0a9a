import { ProviderError } from '../errors.ts';
import { id, text } from '../json.ts';
import type { PostContext, Verdict, Written } from '../publishing.ts';
import { OWN_FILE_NOT_FETCHED } from './codes.ts';
import { containerError } from './container-errors.ts';
import type { Platform } from './errors.ts';
import { callGraph, type GraphCall } from './graph.ts';

/*
 * The life of a container, which Instagram and Threads share: it is made, fetches its media, is published once, and ends
 * after a day. Making one shows nothing to anybody.
 */

/** Where an account's Graph API is, and how it names things. */
export interface Containers {
  platform: Platform;
  /** What every call needs: host, token, signature. */
  call: (context: PostContext) => Pick<GraphCall, 'base' | 'accessToken' | 'appSecret' | 'signal'>;
  /** The path of the account. */
  account: (context: PostContext) => string;
  edges: { create: string; publish: string };
  /** Fields of a container that say how it is doing. */
  statusFields: string;
  /** Which field of a listed post has its text. */
  textField: string;
}

/** The same for one post. */
export interface PostContainers extends Containers {
  /** Whether files of the post are fetched from our own server. */
  ownFiles: boolean;
}

interface Standing {
  status: 'IN_PROGRESS' | 'FINISHED' | 'PUBLISHED' | 'ERROR' | 'EXPIRED';
  detail: string | null;
}

/** Our server may have been away when the platform fetched a file from it. */
const FETCH_AGAIN = { kind: 'unavailable', retryAfterMs: 20_000, tries: 6 } as const;

/** There is nothing else to make anew. */
const MOST_TRIES = 24;

/**
 * Makes a container.
 * @param children the writes that made what it holds: they are repeated when the platform does not find that for long,
 * because it ends after a day, and the post may have waited
 * @throws ProviderError
 */
export async function createContainer(
  containers: PostContainers,
  context: PostContext,
  params: Readonly<Record<string, string>>,
  children: readonly string[] = [],
): Promise<{ id: string; uploadUri: string | null }> {
  const answer = await callGraph(containers.platform, {
    ...containers.call(context),
    method: 'POST',
    path: `${containers.account(context)}/${containers.edges.create}`,
    params,
    effect: 'write',
  }).catch((error: unknown): never => {
    if (!(error instanceof ProviderError)) throw error;
    if (error.code === 'media_not_fetched' && containers.ownFiles)
      throw new ProviderError({ ...error.init, ...FETCH_AGAIN, userMessage: OWN_FILE_NOT_FETCHED });
    if (children.length > 0) return orAgain(children)(error);
    throw error.init.tries === undefined ? error : new ProviderError({ ...error.init, tries: MOST_TRIES });
  });
  const made = id(answer['id']);
  if (made === null) throw unnamed(containers.platform);
  return { id: made, uploadUri: text(answer['uri']) };
}

/**
 * Publishes a container.
 * @param again the writes to repeat when the platform does not find it for long
 * @throws ProviderError, `unknown` where it may be live
 */
export async function publishContainer(
  containers: Containers,
  context: PostContext,
  container: string,
  again: readonly string[],
): Promise<Written> {
  try {
    const answer = await callGraph(containers.platform, {
      ...containers.call(context),
      method: 'POST',
      path: `${containers.account(context)}/${containers.edges.publish}`,
      params: { creation_id: container },
      effect: 'publish',
    }).catch(orAgain(again));
    const providerPostId = id(answer['id']);
    if (providerPostId === null) throw unnamed(containers.platform);
    return { providerPostId, logId: null };
  } catch (error) {
    // A call before this one, whose answer was lost, may take effect only now, and this one is refused for it.
    if (
      error instanceof ProviderError &&
      error.kind === 'rejected' &&
      (await mayBeLive(containers, context, container))
    )
      throw new ProviderError({
        ...error.init,
        kind: 'unknown',
        message: `${error.message}, and the container may be published`,
      });
    throw error;
  }
}

/** Whether a container is published, or nobody tells at the moment. */
async function mayBeLive(containers: Containers, context: PostContext, container: string): Promise<boolean> {
  try {
    return (await standing(containers, context, container)).status === 'PUBLISHED';
  } catch (error) {
    return !(error instanceof ProviderError && error.kind === 'rejected');
  }
}

/** What a limited number of tries does not find is made anew (instagram-facts 5.2, threads-facts 5). */
function orAgain(steps: readonly string[]): (error: unknown) => never {
  return (error) => {
    throw error instanceof ProviderError && error.init.tries !== undefined
      ? new ProviderError({ ...error.init, steps })
      : error;
  };
}

/** How a container is doing. @throws ProviderError */
export async function standing(
  { platform, call, statusFields }: Containers,
  context: PostContext,
  container: string,
): Promise<Standing> {
  const answer = await callGraph(platform, {
    ...call(context),
    path: `/${container}`,
    params: { fields: statusFields },
    effect: 'read',
  });
  const code = text(answer['status_code']) ?? text(answer['status']);
  const detail = text(answer['error_message']) ?? text(answer['status']);
  switch (code) {
    case 'FINISHED':
    case 'PUBLISHED':
    case 'EXPIRED':
    case 'ERROR':
    case 'IN_PROGRESS':
      return { status: code, detail };
    default:
      // The code may be empty while the text says what failed (instagram-facts 4.3).
      return { status: detail?.startsWith('Error') === true ? 'ERROR' : 'IN_PROGRESS', detail };
  }
}

/**
 * Whether containers can be used.
 * @param steps the writes that made them, by step
 * @param again every write to repeat when one of them has ended
 */
export async function awaitContainers(
  containers: PostContainers,
  context: PostContext,
  steps: readonly string[],
  again: readonly string[] = steps,
): Promise<Verdict> {
  for (const step of steps) {
    const container = context.made[step];
    if (container === undefined) return gone(containers.platform, [step], 'GONE');
    const found = await standing(containers, context, container).catch(orAgain(again)).catch(refusal);
    if (found instanceof ProviderError) return { kind: 'failed', status: 'REFUSED', error: found };
    const { status, detail } = found;
    switch (status) {
      case 'IN_PROGRESS':
        return { kind: 'pending', status };
      case 'EXPIRED':
        return gone(containers.platform, again, status);
      case 'ERROR': {
        const error = containerError(containers.platform, detail, containers.ownFiles);
        return error.kind === 'gone'
          ? { kind: 'gone', status, steps: [step], error }
          : { kind: 'failed', status, error };
      }
      case 'FINISHED':
      case 'PUBLISHED':
    }
  }
  return { kind: 'ready', status: 'FINISHED' };
}

/** A refusal for good: nobody sees the container, so that it ends the post. */
function refusal(error: unknown): ProviderError {
  if (error instanceof ProviderError && error.kind === 'rejected') return error;
  throw error;
}

/**
 * What is live, with its public address: that may come later than the post (threads-facts 4.2).
 * @param postId null where nobody tells which post it is
 */
export async function readLive(
  { platform, call }: Containers,
  context: PostContext,
  postId: string | null,
): Promise<Verdict> {
  const published = { kind: 'published', status: 'PUBLISHED', providerPostId: postId } as const;
  if (postId === null) return { ...published, permalink: null };
  const answer = await callGraph(platform, {
    ...call(context),
    path: `/${postId}`,
    params: { fields: 'permalink' },
    effect: 'read',
  });
  const permalink = text(answer['permalink']);
  return permalink === null
    ? { kind: 'pending', status: 'PUBLISHED without permalink' }
    : { ...published, permalink };
}

/**
 * Refuses to publish what cannot be published any more, right before.
 * @throws ProviderError; `unknown` when it has been published already, by a call that was taken for a refused one
 */
export async function checkContainer(
  containers: Containers,
  context: PostContext,
  container: string | undefined,
  again: readonly string[],
): Promise<void> {
  if (container === undefined) throw goneError(containers.platform, again, 'GONE');
  const { status } = await standing(containers, context, container).catch(orAgain(again));
  if (status === 'EXPIRED' || status === 'ERROR') throw goneError(containers.platform, again, status);
  if (status === 'PUBLISHED')
    throw lostAnswerError(containers.platform, 'the container is PUBLISHED already');
}

function gone(platform: Platform, steps: readonly string[], status: string): Verdict {
  return { kind: 'gone', status, steps, error: goneError(platform, steps, status) };
}

function goneError({ provider, title }: Platform, steps: readonly string[], status: string): ProviderError {
  return new ProviderError({
    provider,
    kind: 'gone',
    code: 'container_gone',
    message: `the container is ${status}`,
    userMessage: `${title} dropped the media before it could be published. Nothing was published. Try again.`,
    providerCode: status,
    steps,
  });
}

function unnamed(platform: Platform): ProviderError {
  return lostAnswerError(platform, `${platform.title} accepted the call without naming what it made`);
}

function lostAnswerError({ provider, title }: Platform, message: string): ProviderError {
  return new ProviderError({
    provider,
    kind: 'unknown',
    code: 'outcome_unknown',
    message,
    userMessage: `${title}’s answer was incomplete. Look at the account before you post again.`,
  });
}
