import { ProviderError } from '../errors.ts';
import { callGraph } from '../meta/graph.ts';
import type { Needs } from '../permissions.ts';
import type { PostContext } from '../publishing.ts';
import { THREADS, type ThreadsSettings } from './client.ts';
import type { ThreadsRequest } from './request.ts';

/*
 * Checks an account's rights before anything is created: a chain that is refused in the middle leaves its first posts
 * live.
 */

const LOCATION_SCOPE = 'threads_location_tagging';
export const REPLY_SCOPE = 'threads_manage_replies';

/** The scopes that a request needs. */
export function neededScopes(request: ThreadsRequest): Needs {
  const { replies, postInfo } = request;
  const aboutReplies = [replies, postInfo.reply_to_id, postInfo.reply_control].some(
    (part) => part !== undefined,
  );
  const placed = infosOf(request).some(({ location_id: place }) => place !== undefined);
  return {
    scopes: [
      'threads_basic',
      'threads_content_publish',
      ...(aboutReplies ? [REPLY_SCOPE] : []),
      ...(placed ? [LOCATION_SCOPE] : []),
    ],
    ...(placed ? { otherwise: 'Or leave out the location.' } : {}),
  };
}

/** @throws ProviderError if the account may not do what the request asks for */
export async function requireEligibility(
  settings: ThreadsSettings,
  request: ThreadsRequest,
  context: PostContext,
): Promise<void> {
  const limited = infosOf(request).some((info) => info.allowlisted_country_codes !== undefined);
  if (limited && !(await mayLimitCountries(settings, context)))
    throw refused(
      'feature_not_available',
      'the profile is not eligible for geo-gating',
      'The account cannot limit its posts to countries. Nothing was published. Leave out allowlisted_country_codes.',
    );
}

const infosOf = ({ postInfo, replies = [] }: ThreadsRequest): ThreadsRequest['postInfo'][] => [
  postInfo,
  ...replies.map((reply) => reply.postInfo),
];

/** Whether the profile allows it (threads-facts 3); if the profile does not say, the container will. */
async function mayLimitCountries(
  { graphUrl }: ThreadsSettings,
  { accessToken, signal }: PostContext,
): Promise<boolean> {
  const { is_eligible_for_geo_gating: eligible } = await callGraph(THREADS, {
    base: `${graphUrl}/v1.0`,
    path: '/me',
    params: { fields: 'id,is_eligible_for_geo_gating' },
    effect: 'read',
    accessToken,
    signal,
  });
  return eligible !== false;
}

function refused(code: string, message: string, userMessage: string): ProviderError {
  return new ProviderError({ provider: 'threads', kind: 'rejected', code, message, userMessage });
}
