import type { Decision } from '../core/consent.ts';
import { isForm, type Call, type Reply } from '../core/http.ts';
import { box, escape, page } from '../core/page.ts';

interface Dialog {
  /** `Facebook`, `Instagram`, `Threads`. */
  site: string;
  appId: string;
  people: string[];
  scopes: string[];
  /** Scopes that can not be unticked. */
  fixed: string[];
  /** Names of pages to choose from. */
  pages: string[];
}

/** The form posts to the page's own URL: `creator`, `scope` and `page` (once for each), `decision`. */
export function consentPage(call: Call, { site, appId, people, scopes, fixed, pages }: Dialog): Reply {
  const action = call.url.pathname + call.url.search;
  const options = people.map((name) => `<option value="${escape(name)}">${escape(name)}</option>`);
  const scopeBoxes = scopes.map((scope) => box('scope', scope, scope, fixed.includes(scope)));
  const pageBoxes = pages.map((name) => box('page', name, `Page: ${name}`, false));
  const body = `<h1>${site} sandbox</h1><p>The app <b>${escape(appId)}</b> asks for access to a ${site} account.</p>
<form method="post" action="${escape(action)}">
<label>Account <select name="creator">${options.join('')}</select></label>
${[...scopeBoxes, ...pageBoxes].join('\n')}
<p><button name="decision" value="approve">Continue</button><button name="decision" value="deny">Cancel</button></p>
</form><small>A fake ${site} for development: no real account is involved.</small>`;
  return page(200, `${site} sandbox: authorize`, body);
}

export function dialogErrorPage(message: string): Reply {
  const body = `<h1>Sorry, something went wrong</h1><p>${escape(message)}</p>`;
  return page(400, 'Error', body);
}

export function submitted(call: Call): Decision {
  const form = new URLSearchParams(isForm(call.headers) ? call.text : '');
  const creator = form.get('creator');
  return {
    decision: form.get('decision') === 'approve' ? 'approve' : 'deny',
    ...(creator === null ? {} : { creator }),
    scopes: form.getAll('scope'),
    pages: form.getAll('page'),
  };
}

/** The one value of a parameter; undefined when it is absent, empty or given twice. */
export function single(query: URLSearchParams, name: string): string | undefined {
  const [value, ...more] = query.getAll(name);
  return value === '' || more.length > 0 ? undefined : value;
}

/** Scopes are separated by commas or spaces. */
export function scopesOf(text: string | null): string[] {
  return [...new Set((text ?? '').split(/[\s,]+/).filter((scope) => scope !== ''))];
}
