import type { Reply } from '../core/http.ts';
import { box, escape, page } from '../core/page.ts';
import type { Creator } from './state.ts';

/** tiktok-facts 2.1: configuration errors are shown on TikTok's own page and never reach the redirect URI. */
export function errorPage(parameter: string): Reply {
  const body = `<h1>Something went wrong</h1><p>We couldn't log in with TikTok. This may be due to specific app settings.</p><p>If you're a developer, correct the following and try again:</p><ul><li><code>${escape(parameter)}</code></li></ul>`;
  return page(400, 'Something went wrong', body);
}

/** The form posts to the page's own URL: `creator`, `scope` (once for each), `decision`. */
export function consentPage(clientKey: string, action: string, creators: Creator[], scopes: string[]): Reply {
  const options = creators.map(
    ({ username, displayName }) =>
      `<option value="${escape(username)}">@${escape(username)} (${escape(displayName ?? username)})</option>`,
  );
  const boxes = scopes.map((scope) => box('scope', scope, scope, scope === 'user.info.basic'));
  const body = `<h1>TikTok sandbox</h1><p>The app <b>${escape(clientKey)}</b> asks for access to a TikTok account.</p>
<form method="post" action="${escape(action)}">
<label>Account <select name="creator">${options.join('')}</select></label>
${boxes.join('\n')}
<p><button name="decision" value="approve">Approve</button><button name="decision" value="deny">Deny</button></p>
</form><small>A fake TikTok for development: no real account is involved.</small>`;
  return page(200, 'TikTok sandbox: authorize', body);
}
