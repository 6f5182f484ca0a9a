import type { Instagram } from './context.ts';
import { sendCallback } from './callbacks.ts';
import { killTokens } from './tokens.ts';

/**
 * The user, or the app for the user, removed the app. Its tokens answer 190/458 (instagram-facts 5.3) before the
 * callback comes.
 */
export function removeApp(instagram: Instagram, holder: string, tell: boolean): void {
  delete instagram.state.grants[holder];
  killTokens(instagram, holder, 458);
  for (const [code, held] of Object.entries(instagram.state.codes)) {
    if (held.holder === holder) delete instagram.state.codes[code];
  }
  if (tell) sendCallback(instagram, 'deauthorize', holder);
}

export function removeScope({ state }: Instagram, userId: string, scope: string): void {
  const grant = state.grants[userId];
  if (grant !== undefined) grant.scopes = grant.scopes.filter((granted) => granted !== scope);
  state.users.find(({ id }) => id === userId)?.declined.push(scope);
}
