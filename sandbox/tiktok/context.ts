import type { Core } from '../core/core.ts';
import { Mismatch } from '../core/json.ts';
import type { App } from './app.ts';
import type { Options } from './options.ts';
import type { Creator, TikTokState } from './state.ts';

export interface TikTok {
  core: Core;
  app: App;
  options: Options;
  state: TikTokState;
}

export function creatorByName(tiktok: TikTok, username: string | undefined): Creator | undefined {
  const { creators } = tiktok.state;
  return username === undefined ? creators[0] : creators.find((creator) => creator.username === username);
}

export function creatorOf(tiktok: TikTok, openId: string): Creator {
  const creator = tiktok.state.creators.find((candidate) => candidate.openId === openId);
  if (creator === undefined) throw new Error(`no creator has the open id ${openId}`);
  return creator;
}

/** For controls: an unknown open id is a 400. */
export function knownOpenId(tiktok: TikTok, openId: string): string {
  if (tiktok.state.creators.some((creator) => creator.openId === openId)) return openId;
  throw new Mismatch(`no creator has the open id ${openId}`);
}
