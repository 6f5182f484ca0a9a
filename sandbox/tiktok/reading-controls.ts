import { Type } from 'typebox';
import { control, Nothing } from '../core/control.ts';
import type { Route } from '../core/http.ts';
import { knownOpenId, type TikTok } from './context.ts';
import { PagePlay } from './state.ts';

const Scopes = Type.Object(
  { openId: Type.String(), scopes: Type.Array(Type.String()) },
  { additionalProperties: false },
);

/** Controls for the bad days of reading. */
export function readingControls(tiktok: TikTok): Route[] {
  const { state } = tiktok;
  return [
    control('GET', '/tiktok/pages', Nothing, () => state.pagePlays),
    control('POST', '/tiktok/pages', PagePlay, (play) => {
      if (play.openId !== undefined) knownOpenId(tiktok, play.openId);
      state.pagePlays.push(play);
      return state.pagePlays;
    }),
    control('DELETE', '/tiktok/pages', Nothing, () => {
      state.pagePlays = [];
    }),
    // The tokens that were issued keep these scopes, and no others, until the creator consents again.
    control('POST', '/tiktok/scopes', Scopes, ({ openId, scopes }) => {
      knownOpenId(tiktok, openId);
      state.grants[openId] = scopes;
      for (const tokens of [state.accessTokens, state.refreshTokens]) {
        for (const held of Object.values(tokens)) if (held.openId === openId) held.scopes = scopes;
      }
    }),
  ];
}
