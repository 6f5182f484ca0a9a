import type { TikTok } from './context.ts';
import { sendEvent } from './events.ts';
import { failPublish, isFinal } from './lifecycle.ts';

/** The creator or the developer removed the app: every token is dead before the webhook is sent (tiktok-facts 6.4). */
export function removeApp(tiktok: TikTok, openId: string, reason: number): void {
  const { state } = tiktok;
  delete state.grants[openId];
  for (const tokens of [state.accessTokens, state.refreshTokens, state.codes]) {
    for (const [key, held] of Object.entries(tokens)) {
      if (held.openId === openId) delete tokens[key];
    }
  }
  sendEvent(tiktok, 'authorization.removed', openId, { reason });
  for (const publish of Object.values(state.publishes)) {
    if (publish.openId === openId && !isFinal(publish)) failPublish(tiktok, publish, 'auth_removed');
  }
}

export function expireAccessTokens(tiktok: TikTok, openId: string): number {
  const tokens = Object.values(tiktok.state.accessTokens).filter((access) => access.openId === openId);
  for (const access of tokens) access.expiresAt = tiktok.core.clock.now();
  return tokens.length;
}
