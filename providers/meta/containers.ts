import { ProviderError } from '../errors.ts';
import { id, text } from '../json.ts';
import type { PostContext, Verdict, Written } from '../publishing.ts';
import { OWN_FILE_NOT_FETCHED } from './codes.ts';
import { containerError } from './container-errors.ts';
import type { Platform } from './errors.ts';
import { callGraph, type GraphCall } from './graph.ts';

/*
 * The life of a container, the same on Instagram and Threads: Everpost creates it, it fetches its media, it is
 * published once, and it expires after a day. Creating a container makes nothing visible.
 */

/** The host and the field names of an account's Graph API. */
export interface Containers {
  platform: Platform;
  /** The options of every call: host, token, signature. */
  call: (context: PostContext) => Pick<GraphCall, 'base' | 'accessToken' | 'appSecret' | 'signal'>;
  /** The path of the account. */
  account: (context: PostContext) => string;
  edges: { create: string; publish: string };
  /** The status fields of a container. */
  statusFields: string;
  /** The field of a listed post that has its text. */
  textField: string;
}

/** The same for one post. */
export interface PostContainers extends Containers {
  /** Whether the platform fetches the post's files from our own server. */
  ownFiles: boolean;
}

interface Standing {
  status: 'IN_PROGRESS' | 'FINISHED' | 'PUBLISHED' | 'ERROR' | 'EXPIRED';
  detail: string | null;
}

/** Our server may have been down when the platform fetched a file from it. */
const FETCH_AGAIN = { kind: 'unavailable', retryAfterMs: 20_000, tries: 6 } as const;

/** There is no earlier step to repeat. */
const MOST_TRIES = 24;

/**
 * Creates a container.
 * @param children the writes that created its parts. They are repeated if the platform keeps failing to find a part:
 *   parts expire after a day, and the post may have waited
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
 * @param again the writes to repeat if the platform keeps failing to find the container
 * @throws ProviderError, `unknown` if the post may be live
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
    // An earlier call whose answer was lost may only now take effect, and be the reason for this refusal.
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

/** Whether the container is published, or the platform cannot say right now. */
async function mayBeLive(containers: Containers, context: PostContext, container: string): Promise<boolean> {
  try {
    return (await standing(containers, context, container)).status === 'PUBLISHED';
  } catch (error) {
    return !(error instanceof ProviderError && error.kind === 'rejected');
  }
}

/** Creates an object again that a limited number of tries did not find (instagram-facts 5.2, threads-facts 5). */
function orAgain(steps: readonly string[]): (error: unknown) => never {
  return (error) => {
    throw error instanceof ProviderError && error.init.tries !== undefined
      ? new ProviderError({ ...error.init, steps })
      : error;
  };
}

/** The state of a container. @throws ProviderError */
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
 * Whether the containers are ready to use.
 * @param steps the steps whose writes created them
 * @param again every write to repeat if one of them has expired
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

/** A permanent refusal of a container, which nobody can see: it ends the post. */
function refusal(error: unknown): ProviderError {
  if (error instanceof ProviderError && error.kind === 'rejected') return error;
  throw error;
}

/**
 * The live post with its permalink, which may come later than the post (threads-facts 4.2).
 * @param postId null if the post's id is unknown
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
 * Refuses, right before publishing, a container that can no longer be published.
 * @throws ProviderError; `unknown` if an earlier call, taken for refused, has published it already
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
    userMessage: `${title}’s answer was incomplete. Check the account before you post again.`,
  });
}
