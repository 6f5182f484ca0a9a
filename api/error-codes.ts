export interface ErrorKind {
  status: number;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** For a developer. */
  message: string;
  /** For the person who uses the client's product. */
  userMessage: string;
}

const kind = (status: number, message: string, userMessage: string, retryable = false): ErrorKind => ({
  status,
  retryable,
  message,
  userMessage,
});

const OURS = 'Something is wrong with this app. Its developer has to look at it.';
const LATER = 'Everpost cannot do this at the moment. Try again in a minute.';

/** Every error code of ours; what providers refuse has codes of its own (providers/<name>/errors.ts). */
export const ERRORS = {
  invalid_request: kind(400, 'the request does not have the right shape; details.fields says where', OURS),
  unknown_field: kind(400, 'the request has fields that are not known; details.fields names them', OURS),
  malformed_json: kind(400, 'the body is not JSON', OURS),
  invalid_cursor: kind(400, 'the cursor is not one that a list has answered with', OURS),
  unauthenticated: kind(401, 'send Authorization: Bearer <key> with a key that is valid', 'Sign in again.'),
  invalid_signature: kind(401, 'no known secret has signed this body recently', OURS),
  forbidden: kind(403, 'this key may not do that', 'You are not allowed to do this.'),
  insufficient_scope: kind(
    403,
    'the key lacks the scope in details.scope',
    'You are not allowed to do this.',
  ),
  not_found: kind(404, 'nothing has this id', 'This does not exist (any more).'),
  route_not_found: kind(404, 'there is no such route', OURS),
  method_not_allowed: kind(405, 'the route has no such method; Allow names those that it has', OURS),
  request_timeout: kind(408, 'the request did not arrive in time', LATER, true),
  user_not_found: kind(404, 'there is no user with this id', 'This user does not exist.'),
  account_not_found: kind(
    404,
    'there is no account with this id',
    'This account is not connected. Connect it first.',
  ),
  media_not_found: kind(
    404,
    'there is no media with the id in the body',
    'This file does not exist (any more). Upload it again.',
  ),
  provider_not_configured: kind(
    404,
    'the provider or its method is unknown, or no credentials are set for it',
    'This platform, or this way to connect to it, is not available here.',
  ),
  callback_not_supported: kind(
    404,
    'the provider has no such callback: it neither verifies a URL nor tells of people by signed requests',
    'This platform does not use this address.',
  ),
  email_taken: kind(
    409,
    'another user has this address; details.userId says which',
    'This address is in use already.',
  ),
  media_not_ready: kind(
    409,
    'the media is not `ready`; details.state says what it is',
    'The file is not ready to be published. Wait until it is, or upload it again.',
  ),
  media_in_use: kind(
    409,
    'posts that are not over need the file; details.postIds names them',
    'A post that has not gone out yet needs this file. Cancel the post first, or wait for it.',
  ),
  account_disconnected: kind(
    409,
    'the account was disconnected',
    'This account was disconnected. Connect it again.',
  ),
  reauth_required: kind(
    409,
    'the creator has to connect the account again',
    'The connection to this account has ended. Connect it again.',
  ),
  permission_missing: kind(
    409,
    'the account has not granted the scopes in details.scopes; connect it again',
    'The account has not granted the permission for this. Connect it again and allow every permission.',
  ),
  nothing_live: kind(
    409,
    'nothing is known to be live of the post; details.state says what it is',
    'There is nothing to delete. A post that has not gone out yet can be cancelled.',
  ),
  duplicate_post: kind(
    409,
    'the same post was accepted within 24 hours (details.postId); allowDuplicate publishes it again',
    'You have posted this already.',
  ),
  too_late: kind(
    409,
    'the post has gone too far; details.state says how far',
    'It is too late for this: the post is already on its way.',
  ),
  media_gone: kind(
    410,
    'the upload was given up, refused or deleted; details.state says which',
    'This upload has ended. Start a new one.',
  ),
  tus_version_required: kind(412, 'send Tus-Resumable: 1.0.0, the version of tus that is spoken here', OURS),
  body_too_large: kind(413, 'the body is too large', OURS),
  unsupported_media_type: kind(415, 'the content type is not one that this route takes', OURS),
  range_not_satisfiable: kind(
    416,
    'the range lies outside of the file; content-range says how long it is',
    OURS,
  ),
  invalid_schedule: kind(
    422,
    'the time is not one at which this can be published',
    'Choose a time from now to 180 days ahead.',
  ),
  site_not_verified: kind(
    422,
    'TikTok fetches files of ours only from an address that was verified there: set TIKTOK_SITE_VERIFICATION (docs/providers/tiktok.md)',
    'Uploaded photos cannot be posted to TikTok by this installation yet. Its operator has to verify its address at TikTok.',
  ),
  deletion_not_supported: kind(
    422,
    'the provider lets no app delete posts; details.permalink says where the post is',
    'This platform lets no app delete posts. Delete it in the platform’s own app.',
  ),
  invalid_expiry: kind(422, 'expiresAt is in the past', 'Choose a time in the future.'),
  idempotency_key_reused: kind(422, 'this Idempotency-Key was used with another body', OURS),
  headers_too_large: kind(431, 'the request’s headers are too large', OURS),
  rate_limited: kind(
    429,
    'too many requests; Retry-After says when to go on',
    'Too much at once. Try again in a moment.',
    true,
  ),
  quota_exceeded: kind(
    429,
    'the account’s quota in details.quota is used up',
    'The account has used up what the platform allows at the moment. Try again later.',
    true,
  ),
  internal_error: kind(
    500,
    'an error of Everpost; its log has it under the request id',
    'Something went wrong on our side. Try again; if it stays, report the request id.',
    true,
  ),
  media_store_unavailable: kind(
    503,
    'the media folder is of no use at the moment; /readyz says why',
    LATER,
    true,
  ),
  storage_full: kind(
    507,
    'the media folder is full; the operator has to make room',
    'There is no room for this file at the moment. Try again later.',
    true,
  ),
  database_unavailable: kind(503, 'PostgreSQL does not answer', LATER, true),
  temporal_unavailable: kind(503, 'the Temporal server does not answer', LATER, true),
  overloaded: kind(503, 'too much comes in at once', LATER, true),
  timeout: kind(503, 'the answer took too long; what was asked for may still happen', LATER, true),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;
