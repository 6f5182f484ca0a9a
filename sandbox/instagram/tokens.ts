import { token as newToken } from '../core/ids.ts';
import type { Instagram } from './context.ts';
import type { Token } from './people.ts';

type NewToken = Pick<Token, 'kind' | 'holder' | 'pageId' | 'long'>;

export function issue(
  { core, state }: Instagram,
  prefix: string,
  token: NewToken,
  expiresAt: number | null,
): string {
  const text = newToken(prefix);
  state.tokens[text] = { ...token, issuedAt: core.clock.now(), expiresAt, dead: null };
  return text;
}

/**
 * instagram-facts 2.4: one for each page, admin and app. From a long-lived user token it never expires; from a
 * short-lived one it expires with it.
 */
export function pageToken(instagram: Instagram, user: Token, pageId: string): string {
  for (const [text, held] of Object.entries(instagram.state.tokens)) {
    const same = held.kind === 'page' && held.holder === user.holder && held.pageId === pageId;
    if (same && held.long === user.long && held.dead === null && alive(instagram, held)) return text;
  }
  const page = { kind: 'page', holder: user.holder, pageId, long: user.long } as const;
  return issue(instagram, 'EAA', page, user.long ? null : user.expiresAt);
}

function alive({ core }: Instagram, { expiresAt }: Token): boolean {
  return expiresAt === null || expiresAt > core.clock.now();
}

/** All tokens of a Facebook user, or of an account, answer 190 with this subcode from now on. */
export function killTokens({ state }: Instagram, holder: string, subcode: number): number {
  const tokens = Object.values(state.tokens).filter((held) => held.holder === holder);
  for (const held of tokens) held.dead = subcode;
  return tokens.length;
}

export function expireTokens({ core, state }: Instagram, holder: string): number {
  const tokens = Object.values(state.tokens).filter((held) => held.holder === holder);
  for (const held of tokens) held.expiresAt = core.clock.now();
  return tokens.length;
}

const KEPT_MS = 30 * 86_400_000;

/** Expired tokens are kept for a while, because they have their own error. */
export function forgetExpired({ core, state }: Instagram): void {
  const now = core.clock.now();
  for (const [code, { expiresAt }] of Object.entries(state.codes)) {
    if (expiresAt <= now) delete state.codes[code];
  }
  for (const [text, { expiresAt }] of Object.entries(state.tokens)) {
    if (expiresAt !== null && expiresAt + KEPT_MS <= now) delete state.tokens[text];
  }
}
