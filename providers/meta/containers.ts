import { ProviderError } from '../errors.ts';
import { id, record, records, text } from '../json.ts';
import type { Lost, LookUp, PostContext, Verdict, Written } from '../provider.ts';
import { blockedError, type Platform } from './errors.ts';
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
  edges: { create: string; publish: string; list: string };
  /** Fields of a container that say how it is doing. */
  statusFields: string;
  /** Which field of a listed post has its text. */
  textField: string;
  /** Whether files of the post are fetched from our own server. */
  ownFiles: (context: PostContext) => boolean;
}

interface Standing {
  status: 'IN_PROGRESS' | 'FINISHED' | 'PUBLISHED' | 'ERROR' | 'EXPIRED';
  detail: string | null;
}

/** How often what is not found is asked for before it is made anew (sheets instagram 5.2, threads 5). */
const MOST_TRIES = 5;

/** Our server may have been away when the platform fetched a file from it. */
const FETCH_AGAIN = { kind: 'unavailable', retryAfterMs: 20_000, tries: 6 } as const;

/**
 * Makes a container.
 * @param children the writes that made what it holds: they are repeated when the platform does not find that for long,
 * because it ends after a day, and the post may have waited
 * @throws ProviderError
 */
export async function createContainer(
  containers: Containers,
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
    if (error.code === 'media_not_fetched' && containers.ownFiles(context))
      throw new ProviderError({ ...error.init, ...FETCH_AGAIN });
    if (error.code === 'container_not_ready' && children.length > 0)
      throw new ProviderError({ ...error.init, tries: MOST_TRIES, steps: children });
    throw error;
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
  const answer = await callGraph(containers.platform, {
    ...containers.call(context),
    method: 'POST',
    path: `${containers.account(context)}/${containers.edges.publish}`,
    params: { creation_id: container },
    effect: 'publish',
  }).catch((error: unknown): never => {
    throw error instanceof ProviderError && error.kind === 'unavailable'
      ? new ProviderError({ ...error.init, tries: MOST_TRIES, steps: again })
      : error;
  });
  const providerPostId = id(answer['id']);
  if (providerPostId === null) throw unnamed(containers.platform);
  return { providerPostId, logId: null };
}

/** How a container is doing. */
async function standing(
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
      // The code may be empty while the text says what failed (sheet instagram section 4.3).
      return { status: detail?.startsWith('Error') === true ? 'ERROR' : 'IN_PROGRESS', detail };
  }
}

/** Whether a container can never be published any more: it ends after a day. */
export async function hasExpired(
  containers: Containers,
  context: PostContext,
  container: string,
): Promise<boolean> {
  return (await standing(containers, context, container)).status === 'EXPIRED';
}

/**
 * Whether containers can be used.
 * @param steps the writes that made them, by step
 * @param again every write to repeat when one of them has ended
 */
export async function awaitContainers(
  containers: Containers,
  context: PostContext,
  steps: readonly string[],
  again: readonly string[] = steps,
): Promise<Verdict> {
  for (const step of steps) {
    const container = context.made[step];
    if (container === undefined) return gone(containers.platform, [step], 'GONE');
    const { status, detail } = await standing(containers, context, container);
    switch (status) {
      case 'IN_PROGRESS':
        return { kind: 'pending', status };
      case 'EXPIRED':
        return gone(containers.platform, again, status);
      case 'ERROR': {
        const error = containerError(containers.platform, detail, containers.ownFiles(context));
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

/** What became of a publish whose answer was lost: the container knows (sheets instagram 4.4, threads 4.5). */
export async function lookUpPublish(
  containers: Containers,
  context: PostContext,
  container: string,
  lost: Lost & Wanted,
): Promise<LookUp> {
  const { platform } = containers;
  const { status } = await standing(containers, context, container);
  switch (status) {
    case 'PUBLISHED': {
      const providerPostId = await findPost(containers, context, lost).catch((error: unknown) =>
        withoutId(error, lost),
      );
      return {
        kind: 'happened',
        written: { logId: null, ...(providerPostId === null ? {} : { providerPostId }) },
      };
    }
    case 'FINISHED':
      return lost.code === 'action_blocked' || lost.code === '4/2207051'
        ? { kind: 'refused', error: blockedError(platform) }
        : { kind: 'nothing' };
    case 'IN_PROGRESS':
      return { kind: 'open' };
    case 'ERROR':
    case 'EXPIRED':
      return { kind: 'nothing' };
  }
}

const HOUR_MS = 3_600_000;

/** It is live, with or without its id: who refuses to list it is not asked again, who cannot is asked for an hour. */
function withoutId(error: unknown, { at }: Lost): null {
  if (!(error instanceof ProviderError) || error.kind === 'token') throw error;
  const passes = error.kind === 'unavailable' || error.kind === 'quota';
  if (passes && at.getTime() > Date.now() - HOUR_MS) throw error;
  return null;
}

const SKEW_MS = 60_000;

/** What a post looks like whose id is wanted. */
interface Wanted {
  caption: string | null;
  /** What fields of it are, where the list has them. */
  kind?: Readonly<Record<string, string>>;
  /** The post that it answers, where it is a reply. */
  replyTo?: string | undefined;
}

/**
 * The one post of the account since then with this text, which is not known to be another post, or another part of the
 * same one; null where it cannot be told. Never the newest on a guess.
 */
async function findPost(
  { platform, call, account, edges, textField }: Containers,
  context: PostContext,
  { at, others, caption, kind = {}, replyTo }: Lost & Wanted,
): Promise<string | null> {
  const since = Math.floor((at.getTime() - SKEW_MS) / 1000);
  const answer = await callGraph(platform, {
    ...call(context),
    path: `${account(context)}/${edges.list}`,
    params: {
      fields: [
        'id',
        'timestamp',
        textField,
        ...Object.keys(kind),
        ...(replyTo === undefined ? [] : ['replied_to']),
      ].join(','),
      since: String(since),
      limit: '50',
    },
    effect: 'read',
  });
  const known = new Set([...Object.values(context.made), ...others]);
  const fitting = records(answer['data']).filter((row) => {
    if (known.has(id(row['id']) ?? '')) return false;
    if (Object.entries(kind).some(([name, value]) => (text(row[name]) ?? value) !== value)) return false;
    if (replyTo !== undefined && id(record(row['replied_to'])?.['id']) !== replyTo) return false;
    const time = Date.parse((text(row['timestamp']) ?? '').replace(/\+0000$/, 'Z'));
    return (text(row[textField]) ?? '') === (caption ?? '') && !(time < since * 1000);
  });
  const [only] = fitting;
  return only === undefined || fitting.length > 1 ? null : id(only['id']);
}

/** The public address of what is live. */
export async function readPermalink(
  { platform, call }: Containers,
  context: PostContext,
  postId: string,
): Promise<string | null> {
  const answer = await callGraph(platform, {
    ...call(context),
    path: `/${postId}`,
    params: { fields: 'permalink' },
    effect: 'read',
  });
  return text(answer['permalink']);
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
  const { status } = await standing(containers, context, container);
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

const NOT_FETCHED = /2207052|2207077|download|FAILED_DOWNLOADING/i;
/** Failures of the media itself; the others may pass with a new container (sheets instagram 5.2, threads 4.4). */
const FINAL_FAILURES: readonly (readonly [RegExp, why: string, todo: string])[] = [
  [
    /2207026|INVALID_/,
    'The platform does not accept the format of the media.',
    'Use MP4 with H.264 and AAC, or JPEG.',
  ],
  [
    NOT_FETCHED,
    'The platform could not fetch the media from its URL.',
    'The URL must answer over https, without a redirect and without a login, with the file itself.',
  ],
  [
    /2207004|2207005|2207009|36000|36001|36003/,
    'The platform does not accept the size, format or ratio of the image.',
    'Use a JPEG of at most 8 MB with a ratio between 4:5 and 1.91:1.',
  ],
];

function containerError(
  { provider, title }: Platform,
  detail: string | null,
  ownFiles: boolean,
): ProviderError {
  const [, why, todo] = FINAL_FAILURES.find(([pattern]) => pattern.test(detail ?? '')) ?? [];
  return new ProviderError({
    provider,
    kind: why === undefined || (ownFiles && NOT_FETCHED.test(detail ?? '')) ? 'gone' : 'rejected',
    code: 'media_refused',
    message: `${title} could not use the media: ${detail ?? 'no reason given'}`,
    userMessage: `${why ?? `${title} could not process the media.`} Nothing was published. ${todo ?? 'Encode the file anew, or try another one.'}`,
    providerCode: /\b2207\d{3}\b/.exec(detail ?? '')?.[0] ?? detail,
    providerMessage: detail,
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
