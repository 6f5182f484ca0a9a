import type { Media } from '../db/media.ts';
import type { Requests } from '../providers/requests.ts';
import type { AskAccount } from './account-checks.ts';
import type { Deps } from './deps.ts';
import { apiError, type FieldProblem, fieldError } from './errors.ts';
import {
  type DraftPost,
  draftPost,
  postingAccount,
  type PublishOptions,
  readyMedia,
  requirePermission,
  timesOf,
} from './new-post.ts';

/**
 * Checks a request to publish and turns it into a post.
 * @param requests the reader of the route's provider, which has this name
 * @throws ApiError, ProviderError
 */
export async function readPost(
  deps: Deps,
  askAccount: AskAccount,
  { name, requests }: { name: string; requests: Requests },
  userId: string,
  body: PublishOptions,
): Promise<DraftPost> {
  const { config } = deps;
  const opened = requests.open(body, { allowPrivate: config.allowPrivateUrls });
  refuse(opened.problems);
  const times = timesOf(body);
  const poster = await postingAccount(deps, userId, name, body.accountId);
  const files = await findFiles(deps, userId, opened.mediaIds);
  const read = opened.read(files);
  refuse(read.problems);
  if (read.unverified !== undefined && config.siteVerification === null) {
    const { field, message, userMessage } = read.unverified;
    const words = { message, ...(userMessage === undefined ? {} : { userMessage }) };
    throw apiError('site_not_verified', { ...words, details: { field } });
  }
  const publishing = poster.provider.publishing.of(read.request);
  // `askAccount` needs the permission, too.
  requirePermission(poster, publishing.needs);
  await askAccount(poster, read);
  return draftPost(poster, body, times, { read, files: [...files.values()], publishing });
}

/** Reports all problems in one answer. @throws ApiError if there are any */
function refuse(problems: readonly FieldProblem[]): void {
  const error = fieldError(problems);
  if (error !== null) throw error;
}

/** @throws ApiError `media_not_found`, `media_not_ready` */
async function findFiles(deps: Deps, userId: string, ids: readonly string[]): Promise<Map<string, Media>> {
  const found = await Promise.all(
    [...new Set(ids)].map(async (id) => [id, await readyMedia(deps, userId, id)] as const),
  );
  return new Map(found);
}
