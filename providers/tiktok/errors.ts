import { type CatalogueRow, ProviderError, rowNamed } from '../errors.ts';
import { HttpFailure, type HttpAnswer } from '../http.ts';
import { amount, record, text, tryParse } from '../json.ts';
import type { Verdict } from '../publishing.ts';
import { HOUR, MINUTE } from '../../durations.ts';
import { QUOTAS } from './quotas.ts';

const BAD_REQUEST: CatalogueRow = {
  kind: 'rejected',
  userMessage:
    'TikTok rejected the post as malformed. Nothing was published. Check the settings of the post and try again.',
};

/** `error.code` of the data endpoints (tiktok-facts 5). */
export const ERROR_CODES: Readonly<Record<string, CatalogueRow>> = {
  access_token_invalid: {
    kind: 'token',
    userMessage:
      'TikTok no longer accepts the connection to this account. Reconnect the account and the post will be published.',
  },
  scope_not_authorized: {
    kind: 'account',
    userMessage:
      'The account has not granted the permission for this. Reconnect it and allow every permission, and the post will be published.',
  },
  scope_permission_missed: {
    kind: 'account',
    userMessage:
      'The account has not granted the permission for this. Reconnect it and allow every permission.',
  },
  invalid_params: BAD_REQUEST,
  invalid_param: BAD_REQUEST,
  invalid_file_upload: {
    kind: 'rejected',
    userMessage:
      'TikTok rejected the file. Nothing was published. Upload an MP4, MOV or WebM video and try again.',
  },
  app_version_check_failed: {
    kind: 'rejected',
    userMessage: 'The creator’s TikTok app is too old. Update it to version 31.8 or later and try again.',
  },
  invalid_publish_id: {
    kind: 'rejected',
    userMessage: 'TikTok no longer knows this post. Check the TikTok account before you post again.',
  },
  token_not_authorized_for_specified_publish_id: {
    kind: 'rejected',
    userMessage:
      'TikTok reports that this post belongs to another account. Check the TikTok account before you post again.',
  },
  publish_not_cancellable: {
    kind: 'rejected',
    userMessage: 'TikTok has already finished this post. Delete it in the TikTok app.',
  },
  spam_risk_too_many_posts: {
    kind: 'quota',
    retryAfterMs: HOUR,
    quota: QUOTAS.dailyPost.bucket,
    userMessage:
      'The account has reached TikTok’s daily post limit. The post will be published when TikTok accepts posts again.',
  },
  spam_risk_user_banned_from_posting: {
    kind: 'rejected',
    userMessage:
      'TikTok has banned this account from posting. Nothing was published. See the TikTok app for the reason.',
  },
  spam_risk_too_many_pending_share: {
    kind: 'quota',
    retryAfterMs: HOUR,
    quota: QUOTAS.pendingShare.bucket,
    userMessage:
      'Five drafts are already waiting in the TikTok inbox. Finish or delete some in the TikTok app, and the post will be sent.',
  },
  reached_active_user_cap: {
    kind: 'quota',
    retryAfterMs: HOUR,
    userMessage:
      'Too many creators have posted through this app today. The post will be published when TikTok accepts posts again.',
  },
  unaudited_client_can_only_post_to_private_accounts: {
    kind: 'rejected',
    userMessage:
      'Until TikTok has audited this app, it can post only to private accounts. Nothing was published. Set the account to private in the TikTok app, or have this app audited.',
  },
  url_ownership_unverified: {
    kind: 'rejected',
    userMessage:
      'TikTok fetches media only from verified domains. Nothing was published. Verify the domain or URL prefix under "URL properties" in TikTok’s developer portal, or upload the file instead.',
  },
  privacy_level_option_mismatch: {
    kind: 'rejected',
    userMessage:
      'The account does not offer this privacy level at the moment. Nothing was published. Choose one of the levels that creator-info lists.',
  },
  rate_limit_exceeded: {
    kind: 'quota',
    retryAfterMs: MINUTE,
    userMessage:
      'TikTok accepts only a few calls a minute. The post will be published automatically in a moment.',
  },
};

const AGAIN = 'Nothing was published. Try again.';

interface FailReason {
  /** Whether the client may publish again right away. */
  retryable: boolean;
  userMessage: string;
  quota?: string;
}

/**
 * `fail_reason` of a status (tiktok-facts 4.11) and `reason` of post.publish.failed. After each of them, nothing is
 * live.
 */
export const FAIL_REASONS: Readonly<Record<string, FailReason>> = {
  file_format_check_failed: {
    retryable: false,
    userMessage: 'TikTok does not accept the format of the file. Nothing was published. Use MP4 with H.264.',
  },
  duration_check_failed: {
    retryable: false,
    userMessage:
      'The video is too short or too long for this account. Nothing was published. creator-info has the maximum duration.',
  },
  frame_rate_check_failed: {
    retryable: false,
    userMessage:
      'TikTok does not accept the frame rate. Nothing was published. Use 23 to 60 frames a second.',
  },
  picture_size_check_failed: {
    retryable: false,
    userMessage:
      'TikTok does not accept the width or height. Nothing was published. Videos need 360 to 4096 pixels; photos at most 1080 on the shorter side.',
  },
  internal: { retryable: true, userMessage: `TikTok had an internal problem. ${AGAIN}` },
  video_pull_failed: {
    retryable: true,
    userMessage: `TikTok could not fetch the video from its URL. Check that the URL works without a redirect. ${AGAIN}`,
  },
  photo_pull_failed: {
    retryable: true,
    userMessage: `TikTok could not fetch a photo from its URL. Check that the URLs work without a redirect. ${AGAIN}`,
  },
  publish_cancelled: { retryable: false, userMessage: 'The post was cancelled. Nothing was published.' },
  auth_removed: {
    retryable: false,
    userMessage:
      'The creator withdrew the permission during publishing. Nothing was published. Reconnect the account and post again.',
  },
  spam_risk_too_many_posts: {
    retryable: false,
    quota: QUOTAS.dailyPost.bucket,
    userMessage:
      'The account has reached TikTok’s daily post limit. Nothing was published. Try again tomorrow.',
  },
  spam_risk_user_banned_from_posting: {
    retryable: false,
    userMessage: 'TikTok has banned this account from posting. Nothing was published.',
  },
  spam_risk_text: {
    retryable: false,
    userMessage: 'TikTok rejected the caption. Nothing was published. Change the text and post again.',
  },
  spam_risk: { retryable: false, userMessage: 'TikTok rejected the post as spam. Nothing was published.' },
};

const UNKNOWN_OUTCOME = 'TikTok’s answer was lost. Check the TikTok account before you post again.';

/** The parsed envelope of the data endpoints (tiktok-facts 1.3). */
export interface Envelope {
  data: Readonly<Record<string, unknown>>;
  logId: string | null;
}

/**
 * Reads an answer of a data endpoint.
 * @param effect `write` if the call changes something: then an unclear answer is `unknown`
 * @throws ProviderError for everything but a success
 */
export function readEnvelope(answer: HttpAnswer, effect: 'read' | 'write'): Envelope {
  const body = record(tryParse(answer.text));
  const error = record(body?.['error']);
  const code = text(error?.['code']);
  // TikTok's field table has logid; its samples and its real answers have log_id (tiktok-facts 1.3).
  const logId = text(error?.['log_id']) ?? text(error?.['logid']) ?? header(answer, 'x-tt-logid');
  const data = record(body?.['data']);
  if (code === 'ok' && answer.status < 300) return { data: data ?? {}, logId };

  const row = code === null ? undefined : rowNamed(ERROR_CODES, code);
  const said = { provider: 'tiktok', providerCode: code, providerMessage: text(error?.['message']), logId };
  if (code !== null && row !== undefined && answer.status < 500) {
    throw new ProviderError({
      ...said,
      kind: row.kind,
      code,
      message: `TikTok answered ${answer.status} ${code}`,
      userMessage: row.userMessage,
      ...waitOf(answer, row),
      ...(row.quota === undefined ? {} : { quota: row.quota }),
    });
  }
  if (answer.status === 429) {
    const limit = ERROR_CODES['rate_limit_exceeded'] ?? BAD_REQUEST;
    throw new ProviderError({
      ...said,
      kind: 'quota',
      code: 'rate_limit_exceeded',
      message: 'TikTok answered 429',
      userMessage: limit.userMessage,
      ...waitOf(answer, limit),
    });
  }
  if (code !== null && code !== 'ok' && code !== 'internal_error' && answer.status < 500) {
    // A code missing from tiktok-facts 5 is a refusal all the same; the message shows it unchanged.
    const kind = answer.status === 401 ? 'token' : 'rejected';
    throw new ProviderError({
      ...said,
      kind,
      code: 'provider_refused',
      message: `TikTok answered ${answer.status} ${code}`,
      userMessage: `TikTok refused the post with "${code}". Nothing was published.`,
    });
  }
  throw new ProviderError({
    ...said,
    kind: effect === 'write' ? 'unknown' : 'unavailable',
    code: effect === 'write' ? 'outcome_unknown' : 'provider_unavailable',
    message: `TikTok answered ${answer.status} ${code ?? 'without a readable body'}`,
    userMessage:
      effect === 'write'
        ? UNKNOWN_OUTCOME
        : 'TikTok does not respond properly at the moment. Everpost will try again.',
  });
}

/** Turns a request without an answer into the caller's next step. */
export function lost(error: unknown, effect: 'read' | 'write'): unknown {
  if (!(error instanceof HttpFailure)) return error;
  const unknown = effect === 'write' && error.sent;
  return new ProviderError({
    provider: 'tiktok',
    kind: unknown ? 'unknown' : 'unavailable',
    code: unknown ? 'outcome_unknown' : 'provider_unavailable',
    lost: error.sent,
    message: `TikTok: ${error.message}`,
    userMessage: unknown
      ? UNKNOWN_OUTCOME
      : 'TikTok cannot be reached at the moment. Everpost will try again.',
  });
}

/** The verdict on a failed publish: nothing of it is live (tiktok-facts 4.9 and 4.11). */
export function failed(reason: string | null): Extract<Verdict, { kind: 'failed' }> {
  return {
    kind: 'failed',
    status: 'FAILED',
    error: failure(reason),
    ...(reason === 'publish_cancelled' ? { dropped: true } : {}),
  };
}

function failure(reason: string | null): ProviderError {
  const row = rowNamed(FAIL_REASONS, reason ?? '');
  return new ProviderError({
    provider: 'tiktok',
    kind: row?.retryable === true ? 'unavailable' : 'rejected',
    code: row === undefined ? 'provider_failed' : (reason ?? 'provider_failed'),
    message: `TikTok failed the publish: ${reason ?? 'no reason given'}`,
    userMessage:
      row?.userMessage ??
      `TikTok could not publish the post: "${reason ?? 'no reason given'}". Nothing was published.`,
    providerCode: reason,
    ...(row?.quota === undefined ? {} : { quota: row.quota }),
  });
}

function waitOf(answer: HttpAnswer, row: CatalogueRow): { retryAfterMs?: number; retryTold?: boolean } {
  // TikTok documents no Retry-After (tiktok-facts 1.4); we obey one if it comes.
  const seconds = amount(header(answer, 'retry-after'));
  if (seconds !== null) return { retryAfterMs: seconds * 1000, retryTold: true };
  return row.retryAfterMs === undefined ? {} : { retryAfterMs: row.retryAfterMs };
}

function header(answer: HttpAnswer, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}
