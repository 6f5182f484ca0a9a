import type { Call, Reply, Route } from '../core/http.ts';
import type { CheckAccess } from './access.ts';
import { PublishIdBody } from './bodies.ts';
import type { TikTok } from './context.ts';
import { envelopeErrorBody, ok, refuse } from './envelope.ts';
import { readBody } from './input.ts';
import { failPublish, isFinal } from './lifecycle.ts';
import type { Publish } from './state.ts';

const SCOPES = ['video.publish', 'video.upload'];

export function statusRoutes(tiktok: TikTok, access: CheckAccess): Route[] {
  function find(call: Call, openId: string): Publish {
    const { publish_id } = readBody(tiktok, PublishIdBody, call.text);
    const publish = tiktok.state.publishes[publish_id];
    if (publish === undefined) return refuse(tiktok, 400, 'invalid_publish_id', 'publish_id is invalid');
    if (publish.openId !== openId) {
      const text = 'The access token is not authorized for the specified publish_id';
      refuse(tiktok, 400, 'token_not_authorized_for_specified_publish_id', text);
    }
    return publish;
  }

  /** int64 ids as JSON numbers (tiktok-facts 1.5). Field name as TikTok spells it. */
  function publicIds({ postIds }: Publish): object {
    if (postIds.length === 0 || !tiktok.options.postIdInStatus) return {};
    const ids = postIds.map(BigInt);
    return { publicaly_available_post_id: tiktok.options.postIdShape === 'array' ? ids : ids[0] };
  }

  function fetchStatus(call: Call): Reply {
    const publish = find(call, access(call, SCOPES, 'status').openId);
    const bytes = publish.source === 'FILE_UPLOAD' ? 'uploaded_bytes' : 'downloaded_bytes';
    return ok(tiktok, {
      status: publish.status,
      ...(publish.failReason === null ? {} : { fail_reason: publish.failReason }),
      ...publicIds(publish),
      [bytes]: publish.received,
    });
  }

  function cancel(call: Call): Reply {
    const publish = find(call, access(call, SCOPES, null).openId);
    if (publish.source !== 'PULL_FROM_URL' || isFinal(publish)) {
      refuse(tiktok, 400, 'publish_not_cancellable', 'The publish can not be cancelled');
    }
    failPublish(tiktok, publish, 'publish_cancelled');
    return ok(tiktok, {});
  }

  const errorBody = envelopeErrorBody(tiktok);
  const root = '/v2/post/publish';
  return [
    { method: 'POST', path: `${root}/status/fetch/`, endpoint: 'status', errorBody, handle: fetchStatus },
    { method: 'POST', path: `${root}/cancel/`, endpoint: 'cancel', errorBody, handle: cancel },
  ];
}
