import { Type, type Static } from 'typebox';
import { type Account, findAccount } from '../db/accounts.ts';
import { findMedia, type Media } from '../db/media.ts';
import type { NewPost } from '../db/new-posts.ts';
import { namedFiles, type Plan, sendsFile, writesOf } from '../plan.ts';
import { ProviderError } from '../providers/errors.ts';
import { type Needs, requireScopes } from '../providers/permissions.ts';
import type { Provider } from '../providers/provider.ts';
import type { OurFile } from '../providers/our-files.ts';
import type { PostPublishing } from '../providers/publishing.ts';
import type { ReadRequest } from '../providers/requests.ts';
import { hashOf } from './canonical.ts';
import type { Deps } from './deps.ts';
import { type ApiError, apiError } from './errors.ts';
import { type Deadlines, deadlinesOf, dueAt } from './schedule.ts';
import { AnyId, isUuid, LONGEST_TIME, Time } from './schemas.ts';

/** The fields of every request to publish, for any provider. */
export const publishOptions = {
  accountId: AnyId,
  scheduledAt: Type.Optional(Time),
  deadline: Type.Optional(
    Type.String({
      format: 'date-time',
      maxLength: LONGEST_TIME,
      description:
        'When waiting for quota, account or provider is given up: at most, and without it, 72 hours after the post is due.',
    }),
  ),
  onQuota: Type.Optional(Type.Enum(['wait', 'fail'])),
  allowDuplicate: Type.Optional(Type.Boolean()),
};
const PublishOptions = Type.Object(publishOptions);
export type PublishOptions = Static<typeof PublishOptions>;

/** A post without the data that the HTTP request adds. */
export type DraftPost = Omit<NewPost, 'userId' | 'idempotencyKey' | 'requestHash' | 'requestId'>;

/** Checks the times of a post before anything else. @throws ApiError `invalid_schedule` */
export function timesOf({ scheduledAt, deadline }: PublishOptions): { due: Date | null } & Deadlines {
  const due = scheduledAt === undefined ? null : dueAt(scheduledAt);
  return { due, ...deadlinesOf(deadline, due) };
}

/** The account that posts, and its provider. */
export interface Poster {
  account: Account;
  provider: Provider;
}

/** The account to post with. @throws ApiError `account_not_found`, `account_disconnected` */
export async function postingAccount(
  { database: { db }, providers }: Deps,
  userId: string,
  name: Provider['name'],
  accountId: string,
): Promise<Poster> {
  const account = isUuid(accountId) ? await findAccount(db, userId, accountId) : null;
  const provider = providers.find(name, account?.method);
  if (account?.provider !== name || provider === null) throw noAccountOf(name, account);
  const { status, statusReason } = account;
  if (status === 'disconnected')
    throw apiError('account_disconnected', { details: { status, statusReason } });
  return { account, provider };
}

/** The error if there is no such account of this provider. */
export function noAccountOf(name: Provider['name'], account: Account | null): ApiError {
  return account === null || account.provider === name
    ? apiError('account_not_found')
    : apiError('account_not_found', {
        message: `this is an account of ${account.provider}, not of ${name}: use the id of an account whose provider is ${name}`,
        userMessage:
          'This account belongs to another platform. Choose an account of the platform that you publish to.',
        details: { provider: account.provider },
      });
}

/** @throws ApiError `permission_missing`, which names the scopes that the account has not granted */
export function requirePermission({ account, provider: { name, permissions } }: Poster, needs: Needs): void {
  try {
    requireScopes(name, permissions, needs, account.scope);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const { message, userMessage } = error;
    const scopes = needs.scopes.filter((scope) => !account.scope.includes(scope));
    throw apiError('permission_missing', { message, userMessage, details: { provider: name, scopes } });
  }
}

/** A file that can be published. @throws ApiError `media_not_found`, `media_not_ready` */
export async function readyMedia({ database: { db } }: Deps, userId: string, id: string): Promise<Media> {
  const media = isUuid(id) ? await findMedia(db, userId, id) : null;
  if (media === null) throw apiError('media_not_found');
  const { state, rejectedReason } = media;
  if (state !== 'ready')
    throw apiError('media_not_ready', {
      message: `the media is ${state}`,
      details: { state, rejectedReason },
    });
  return media;
}

/**
 * Creates the post for a valid request.
 * @param files all files that the request names
 */
export function draftPost(
  { account, provider }: Poster,
  options: PublishOptions,
  times: ReturnType<typeof timesOf>,
  { read, files, publishing }: { read: ReadRequest; files: readonly OurFile[]; publishing: PostPublishing },
): DraftPost {
  const { kind, plan, quotasOf } = publishing;
  // A client that does not want to wait is told now; a scheduled post finds out when it is due.
  const now = times.due === null || times.due.getTime() <= Date.now();
  const hold = options.onQuota === 'fail' && now ? writesOf(plan).flatMap(quotasOf) : [];
  const by = account.username === null ? '' : ` as @${account.username}`;
  return {
    summary: `Publish ${kind} to ${provider.title}${by}`,
    oauthAccountId: account.id,
    provider: account.provider,
    mediaId: read.file?.id ?? null,
    totalBytes: bytesToSend(plan, read, files),
    request: read.request,
    plan,
    hold,
    fingerprint: hashOf([account.id, ...read.same]),
    onQuota: options.onQuota ?? 'wait',
    scheduledAt: times.due,
    deadlineAt: times.deadlineAt,
    clientDeadlineAt: times.clientDeadlineAt,
    allowDuplicate: options.allowDuplicate ?? false,
  };
}

/** The size of all files that are sent to the provider; null: it fetches them. */
function bytesToSend(plan: Plan, { file }: ReadRequest, files: readonly OurFile[]): number | null {
  if (!sendsFile(plan)) return null;
  return namedFiles(plan).reduce(
    (sum, id) => sum + (files.find((one) => one.id === id)?.size ?? 0),
    file?.size ?? 0,
  );
}
