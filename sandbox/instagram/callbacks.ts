import type { Delivery } from '../core/delivery.ts';
import { callbackForm, type Callback, type CallbackForgery } from '../meta/callbacks.ts';
import type { Instagram } from './context.ts';

/**
 * instagram-facts 2.6. The user id is the app-scoped one: of the Facebook user, or for Instagram Login of the account, and
 * then signed with that app's secret (DERIVED, instagram-facts 2.6).
 */
export function sendCallback(
  { app, core, options, state }: Instagram,
  callback: Callback,
  holder: string,
  forgery: CallbackForgery = {},
): Delivery {
  const account = state.accounts.find(({ id }) => id === holder);
  const loginSecret = options.loginSigner === 'login' ? app.loginAppSecret : null;
  const secret = account === undefined ? app.appSecret : (loginSecret ?? app.appSecret);
  return core.webhooks.send({
    provider: 'instagram',
    event: callback,
    url: callback === 'deauthorize' ? app.deauthorizeUrl : app.dataDeletionUrl,
    body: callbackForm(secret, account?.scopedId ?? holder, forgery),
    contentType: 'application/x-www-form-urlencoded',
    signing: {},
  });
}
