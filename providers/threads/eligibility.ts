import { ProviderError } from '../errors.ts';
import { callGraph } from '../meta/graph.ts';
import type { PostContext } from '../provider.ts';
import { THREADS, type ThreadsSettings } from './client.ts';
import type { ThreadsRequest } from './request.ts';

/*
 * What an account may do, asked before anything of a request is made: a chain that is refused in the middle has its first
 * posts live.
 */

/** Not asked for when an account is connected, so it is there only where the app was granted it elsewhere (section 2.2). */
const LOCATION_SCOPE = 'threads_location_tagging';
export const REPLY_SCOPE = 'threads_manage_replies';

/** The scopes without which a part of the request is refused, and which no reconnecting brings. */
export function missingScopes(request: ThreadsRequest, scopes: readonly string[]): string[] {
  const placed = infosOf(request).some(({ location_id: place }) => place !== undefined);
  return placed && !scopes.includes(LOCATION_SCOPE) ? [LOCATION_SCOPE] : [];
}

/** @throws ProviderError where the account may not do what the request asks for */
export async function requireEligibility(
  settings: ThreadsSettings,
  request: ThreadsRequest,
  context: PostContext,
): Promise<void> {
  const { replies, postInfo } = request;
  const aboutReplies = [replies, postInfo.reply_to_id, postInfo.reply_control].some(
    (part) => part !== undefined,
  );
  // A creator who reconnects can bring this one.
  if (aboutReplies && !context.scopes.includes(REPLY_SCOPE))
    throw new ProviderError({
      provider: 'threads',
      kind: 'account',
      code: 'permission_missing',
      message: `${REPLY_SCOPE} is not granted`,
      userMessage:
        'The account has not granted the permission to reply, and to say who may. Reconnect it and allow every permission; the post goes out then.',
    });
  const [missing] = missingScopes(request, context.scopes);
  if (missing !== undefined)
    throw refused(
      'permission_missing',
      `${missing} is not granted`,
      `The account has not granted the permission for places (${missing}). Nothing was published. Leave out location_id.`,
    );
  const limited = infosOf(request).some((info) => info.allowlisted_country_codes !== undefined);
  if (limited && !(await mayLimitCountries(settings, context)))
    throw refused(
      'feature_not_available',
      'the profile is not eligible for geo-gating',
      'The account may not limit its posts to countries. Nothing was published. Leave out allowlisted_country_codes.',
    );
}

const infosOf = ({ postInfo, replies = [] }: ThreadsRequest): ThreadsRequest['postInfo'][] => [
  postInfo,
  ...replies.map((reply) => reply.postInfo),
];

/** Whether the profile says so (section 3); what it does not say is left for the container to tell. */
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
