import { html, type Reply } from '../http.ts';
import type { Creator } from './state.ts';

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE =
  'body{font:16px/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem}label{display:block;margin:.4rem 0}button{font:inherit;padding:.5rem 1.5rem;margin-right:.5rem}small{color:#666}';

function page(title: string, body: string): string {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
}

/** Sheet 2.1: configuration errors are TikTok's own page and never reach the redirect URI. */
export function errorPage(parameter: string): Reply {
  const body = `<h1>Something went wrong</h1><p>We couldn't log in with TikTok. This may be due to specific app settings.</p><p>If you're a developer, correct the following and try again:</p><ul><li><code>${escape(parameter)}</code></li></ul>`;
  return html(400, page('Something went wrong', body));
}

/** The form posts to the page's own URL: `creator`, `scope` (once for each), `decision`. */
export function consentPage(clientKey: string, action: string, creators: Creator[], scopes: string[]): Reply {
  const options = creators.map(
    ({ username, displayName }) =>
      `<option value="${escape(username)}">@${escape(username)} (${escape(displayName ?? username)})</option>`,
  );
  const boxes = scopes.map((scope) => {
    const fixed = scope === 'user.info.basic' ? ' disabled' : '';
    return `<label><input type="checkbox" name="scope" value="${escape(scope)}" checked${fixed}> ${escape(scope)}</label>`;
  });
  const body = `<h1>TikTok sandbox</h1><p>The app <b>${escape(clientKey)}</b> asks for access to a TikTok account.</p>
<form method="post" action="${escape(action)}">
<label>Account <select name="creator">${options.join('')}</select></label>
${boxes.join('\n')}
<p><button name="decision" value="approve">Approve</button><button name="decision" value="deny">Deny</button></p>
</form><small>A fake TikTok for development: no real account is involved.</small>`;
  return html(200, page('TikTok sandbox: authorize', body));
}
