import { type CatalogueRow, ProviderError, rowNamed } from '../errors.ts';
import { HttpFailure, type HttpAnswer } from '../http.ts';
import { amount, record, text, tryParse } from '../json.ts';
import type { Verdict } from '../publishing.ts';
import { HOUR, MINUTE } from '../../durations.ts';
import { QUOTAS } from './quotas.ts';

const BAD_REQUEST: CatalogueRow = {
  kind: 'rejected',
  userMessage:
    'TikTok refused the post as malformed. Nothing was published. Check the settings of the post and try again.',
};

/** `error.code` of the data endpoints (tiktok-facts 5). */
export const ERROR_CODES: Readonly<Record<string, CatalogueRow>> = {
  access_token_invalid: {
    kind: 'token',
    userMessage:
      'TikTok no longer accepts the connection to this account. Reconnect the account; the post goes out then.',
  },
  scope_not_authorized: {
    kind: 'account',
    userMessage:
      'The account has not granted the permission for this. Reconnect it and allow every permission; the post goes out then.',
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
      'TikTok refused the file. Nothing was published. Upload an MP4, MOV or WebM video and try again.',
  },
  app_version_check_failed: {
    kind: 'rejected',
    userMessage:
      'The TikTok app of the creator is too old for this. Update it to version 31.8 or newer and try again.',
  },
  invalid_publish_id: {
    kind: 'rejected',
    userMessage:
      'TikTok does not know this publish any more. Look at the TikTok account before you post again.',
  },
  token_not_authorized_for_specified_publish_id: {
    kind: 'rejected',
    userMessage:
      'TikTok says that this publish belongs to another account. Look at the TikTok account before you post again.',
  },
  publish_not_cancellable: {
    kind: 'rejected',
    userMessage: 'TikTok has already finished this post; delete it in the TikTok app.',
  },
  spam_risk_too_many_posts: {
    kind: 'quota',
    retryAfterMs: HOUR,
    quota: QUOTAS.dailyPost.bucket,
    userMessage:
      'The account has reached TikTok’s number of posts for a day. The post goes out when TikTok accepts posts again.',
  },
  spam_risk_user_banned_from_posting: {
    kind: 'rejected',
    userMessage:
      'TikTok has banned this account from posting. Nothing was published. Look into the TikTok app for the reason.',
  },
  spam_risk_too_many_pending_share: {
    kind: 'quota',
    retryAfterMs: HOUR,
    quota: QUOTAS.pendingShare.bucket,
    userMessage:
      'Five drafts wait in the TikTok inbox already. Finish or delete some in the TikTok app; the post goes out then.',
  },
  reached_active_user_cap: {
    kind: 'quota',
    retryAfterMs: HOUR,
    userMessage:
      'Too many creators have posted through this app today. The post goes out when TikTok accepts posts again.',
  },
  unaudited_client_can_only_post_to_private_accounts: {
    kind: 'rejected',
    userMessage:
      'Until TikTok has audited this app, it can only post to accounts that are set to private. Nothing was published. Set the account to private in the TikTok app, or have the app audited.',
  },
  url_ownership_unverified: {
    kind: 'rejected',
    userMessage:
      'TikTok only fetches media from domains that are verified. Nothing was published. Verify the domain or URL prefix under "URL properties" in TikTok’s developer portal, or upload the file instead.',
  },
  privacy_level_option_mismatch: {
    kind: 'rejected',
    userMessage:
      'The account does not offer this privacy level at the moment. Nothing was published. Choose one of the levels that creator-info lists.',
  },
  rate_limit_exceeded: {
    kind: 'quota',
    retryAfterMs: MINUTE,
    userMessage: 'TikTok accepts only a few calls a minute. The post goes out in a moment by itself.',
  },
};

const AGAIN = 'Nothing was published. Try again.';

interface FailReason {
  /** Whether the client may publish again at once. */
  retryable: boolean;
  userMessage: string;
  quota?: string;
}

/** `fail_reason` of a status (tiktok-facts 4.11) and `reason` of post.publish.failed. None of them is live. */
export const FAIL_REASONS: Readonly<Record<string, FailReason>> = {
  file_format_check_failed: {
    retryable: false,
    userMessage: 'TikTok does not accept the format of the file. Nothing was published. Use MP4 with H.264.',
  },
  duration_check_failed: {
    retryable: false,
    userMessage:
      'The video is too short or too long for this account. Nothing was published. creator-info tells the longest duration.',
  },
  frame_rate_check_failed: {
    retryable: false,
    userMessage: 'The frame rate is not accepted. Nothing was published. Use 23 to 60 frames a second.',
  },
  picture_size_check_failed: {
    retryable: false,
    userMessage:
      'Width or height is not accepted. Nothing was published. Videos need 360 to 4096 pixels, photos at most 1080 on the shorter side.',
  },
  internal: { retryable: true, userMessage: `TikTok had an internal problem. ${AGAIN}` },
  video_pull_failed: {
    retryable: true,
    userMessage: `TikTok could not fetch the video from its URL. Check that the URL answers without redirect. ${AGAIN}`,
  },
  photo_pull_failed: {
    retryable: true,
    userMessage: `TikTok could not fetch a photo from its URL. Check that the URLs answer without redirect. ${AGAIN}`,
  },
  publish_cancelled: { retryable: false, userMessage: 'The publish was cancelled. Nothing was published.' },
  auth_removed: {
    retryable: false,
    userMessage:
      'The creator removed the permission while the post was under way. Nothing was published. Reconnect the account and post again.',
  },
  spam_risk_too_many_posts: {
    retryable: false,
    quota: QUOTAS.dailyPost.bucket,
    userMessage:
      'The account has reached TikTok’s number of posts for a day. Nothing was published. Try again tomorrow.',
  },
  spam_risk_user_banned_from_posting: {
    retryable: false,
    userMessage: 'TikTok has banned this account from posting. Nothing was published.',
  },
  spam_risk_text: {
    retryable: false,
    userMessage: 'TikTok refused the caption. Nothing was published. Change the text and post again.',
  },
  spam_risk: { retryable: false, userMessage: 'TikTok refused the post as spam. Nothing was published.' },
};

const UNKNOWN_OUTCOME = 'TikTok’s answer was lost. Look at the TikTok account before you post again.';

/** The data endpoints' envelope, read (tiktok-facts 1.3). */
export interface Envelope {
  data: Readonly<Record<string, unknown>>;
  logId: string | null;
}

/**
 * Reads an answer of a data endpoint.
 * @param effect `write` where the call changes something: then an answer that does not say what happened is `unknown`
 * @throws ProviderError for everything but a success
 */
export function readEnvelope(answer: HttpAnswer, effect: 'read' | 'write'): Envelope {
  const body = record(tryParse(answer.text));
  const error = record(body?.['error']);
  const code = text(error?.['code']);
  // Field table says logid, samples and reality say log_id (tiktok-facts 1.3).
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
    // A code that tiktok-facts 5 does not know is a refusal all the same; it is shown as it came.
    const kind = answer.status === 401 ? 'token' : 'rejected';
    throw new ProviderError({
      ...said,
      kind,
      code: 'provider_refused',
      message: `TikTok answered ${answer.status} ${code}`,
      userMessage: `TikTok refused with "${code}". Nothing was published.`,
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
        : 'TikTok does not answer properly at the moment. It is tried again.',
  });
}

/** Turns a request that got no answer into what the caller should do next. */
export function lost(error: unknown, effect: 'read' | 'write'): unknown {
  if (!(error instanceof HttpFailure)) return error;
  const unknown = effect === 'write' && error.sent;
  return new ProviderError({
    provider: 'tiktok',
    kind: unknown ? 'unknown' : 'unavailable',
    code: unknown ? 'outcome_unknown' : 'provider_unavailable',
    lost: error.sent,
    message: `TikTok: ${error.message}`,
    userMessage: unknown ? UNKNOWN_OUTCOME : 'TikTok cannot be reached at the moment. It is tried again.',
  });
}

/** What it means that a publish failed: nothing of it is live (tiktok-facts 4.9 and 4.11). */
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
      row?.userMessage ?? `TikTok failed the post with "${reason ?? 'no reason'}". Nothing was published.`,
    providerCode: reason,
    ...(row?.quota === undefined ? {} : { quota: row.quota }),
  });
}

function waitOf(answer: HttpAnswer, row: CatalogueRow): { retryAfterMs?: number; retryTold?: boolean } {
  // No documented Retry-After (tiktok-facts 1.4); obeyed where one comes all the same.
  const seconds = amount(header(answer, 'retry-after'));
  if (seconds !== null) return { retryAfterMs: seconds * 1000, retryTold: true };
  return row.retryAfterMs === undefined ? {} : { retryAfterMs: row.retryAfterMs };
}

function header(answer: HttpAnswer, name: string): string | null {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : null;
}
