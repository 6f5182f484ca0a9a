export interface ErrorKind {
  status: number;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  /** For developers. */
  message: string;
  /** For the end user of the client's product. */
  userMessage: string;
}

const kind = (status: number, message: string, userMessage: string, retryable = false): ErrorKind => ({
  status,
  retryable,
  message,
  userMessage,
});

const OURS = 'Something is wrong with this app. Its developer needs to fix it.';
const LATER = 'Everpost cannot do this right now. Try again in a minute.';

/** All of Everpost's own error codes. Provider refusals have their own codes (providers/<name>/errors.ts). */
export const ERRORS = {
  invalid_request: kind(400, 'the request is malformed; see details.fields', OURS),
  unknown_field: kind(400, 'the request has unknown fields; details.fields names them', OURS),
  malformed_json: kind(400, 'the body is not JSON', OURS),
  invalid_cursor: kind(
    400,
    'the cursor did not come from an answer of this list with the same filters',
    OURS,
  ),
  unauthenticated: kind(401, 'send Authorization: Bearer <key> with a valid key', 'Sign in again.'),
  invalid_signature: kind(401, 'the signature is too old, or matches no known secret', OURS),
  forbidden: kind(403, 'this key is not allowed to do that', 'You are not allowed to do this.'),
  insufficient_scope: kind(
    403,
    'the key lacks the scope in details.scope',
    'You are not allowed to do this.',
  ),
  not_found: kind(404, 'nothing has this id', 'This does not exist, or no longer exists.'),
  route_not_found: kind(404, 'there is no such route', OURS),
  method_not_allowed: kind(
    405,
    'the route does not support this method; the Allow header lists the ones it does',
    OURS,
  ),
  request_timeout: kind(408, 'the request did not arrive in time', LATER, true),
  user_not_found: kind(404, 'there is no user with this id', 'This user does not exist.'),
  account_not_found: kind(
    404,
    'there is no account with this id',
    'This account is not connected. Connect it first.',
  ),
  media_not_found: kind(
    404,
    'there is no media with this id',
    'This file does not exist, or no longer exists. Upload it again.',
  ),
  provider_not_configured: kind(
    404,
    'the provider or the method is unknown, or has no credentials configured',
    'This platform, or this way to connect to it, is not available here.',
  ),
  callback_not_supported: kind(
    404,
    'the provider does not use this callback: it sends neither URL verifications nor signed requests',
    'This platform does not use this address.',
  ),
  email_taken: kind(
    409,
    'another user has this address; see details.userId',
    'This address is already in use.',
  ),
  media_not_ready: kind(
    409,
    'the media is not `ready`; details.state has its state',
    'The file is not ready to publish. Wait until it is, or upload it again.',
  ),
  media_in_use: kind(
    409,
    'unfinished posts need the file; details.postIds lists them',
    'A post that is not published yet needs this file. Cancel the post first, or wait for it.',
  ),
  account_disconnected: kind(
    409,
    'the account was disconnected',
    'This account was disconnected. Reconnect it.',
  ),
  account_not_active: kind(
    409,
    'the account is not in service: reconnect it',
    'The connection to this account has ended. Reconnect it.',
  ),
  sync_off: kind(
    409,
    'this Everpost copies nothing from the platforms: EVERPOST_SYNC is off',
    'This Everpost copies nothing from the platforms: its EVERPOST_SYNC is off. Set it to granted or on, and restart the server and the worker.',
  ),
  reauth_required: kind(
    409,
    'the creator must reconnect the account',
    'The connection to this account has ended. Reconnect it.',
  ),
  permission_missing: kind(
    409,
    'the account has not granted the scopes in details.scopes; reconnect it',
    'The account has not granted the permission for this. Reconnect it and allow every permission.',
  ),
  nothing_live: kind(
    409,
    'no part of the post is known to be live; details.state has its state',
    'There is nothing to delete. You can cancel a post that is not published yet.',
  ),
  comment_removed: kind(
    409,
    'the comment is gone at the platform; details.removedReason says how Everpost knows',
    'This comment no longer exists.',
  ),
  duplicate_post: kind(
    409,
    'the same post was accepted within 24 hours (details.postId); allowDuplicate publishes it again',
    'You have posted this already.',
  ),
  too_late: kind(
    409,
    'it is too late for this; details.state has the post’s state',
    'It is too late for this: the post is already on its way.',
  ),
  media_gone: kind(
    410,
    'the upload was abandoned, rejected or deleted; details.state says which',
    'This upload has ended. Start a new one.',
  ),
  tus_version_required: kind(412, 'send Tus-Resumable: 1.0.0, the only supported version of tus', OURS),
  body_too_large: kind(413, 'the body is too large', OURS),
  unsupported_media_type: kind(415, 'this route does not accept this content type', OURS),
  range_not_satisfiable: kind(
    416,
    'the range is outside the file; content-range has the file’s length',
    OURS,
  ),
  invalid_schedule: kind(
    422,
    'the post cannot be scheduled for this time',
    'Choose a time from now to 180 days ahead.',
  ),
  site_not_verified: kind(
    422,
    'the platform fetches files from this server only after its URL is verified there (docs/providers)',
    'This installation cannot post this file to the platform yet. Its operator must verify its URL there.',
  ),
  deletion_not_supported: kind(
    422,
    'the provider does not let apps delete posts; details.permalink links to the post',
    'This platform does not let apps delete posts. Delete the post in the platform’s own app.',
  ),
  not_supported: kind(
    422,
    'the platform does not allow this; see details.reason',
    'This platform does not allow this. Use the platform’s own app.',
  ),
  invalid_expiry: kind(422, 'expiresAt is in the past', 'Choose a time in the future.'),
  idempotency_key_reused: kind(422, 'this Idempotency-Key was used with another body', OURS),
  headers_too_large: kind(431, 'the request’s headers are too large', OURS),
  rate_limited: kind(
    429,
    'too many requests; Retry-After says when to try again',
    'Too many requests. Try again in a moment.',
    true,
  ),
  quota_exceeded: kind(
    429,
    'the account’s quota in details.quota is used up',
    'The account has reached the platform’s limit. Try again later.',
    true,
  ),
  internal_error: kind(
    500,
    'Everpost failed; its log has the error under the request id',
    'Something went wrong on our side. Try again; if it keeps happening, report the request id.',
    true,
  ),
  media_store_unavailable: kind(503, 'the media folder is unavailable; /readyz says why', LATER, true),
  storage_full: kind(
    507,
    'the media folder is full; the operator must free space',
    'There is not enough space for this file. Try again later.',
    true,
  ),
  database_unavailable: kind(503, 'PostgreSQL does not answer', LATER, true),
  temporal_unavailable: kind(503, 'the Temporal server does not answer', LATER, true),
  overloaded: kind(503, 'too many requests at once', LATER, true),
  timeout: kind(503, 'the answer took too long; the request may still take effect', LATER, true),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;
