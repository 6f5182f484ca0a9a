/** A response with its text. */
export interface Visited {
  status: number;
  headers: Headers;
  text: string;
  /** The redirect's target; null if there is none. */
  location: string | null;
}

/**
 * A headless browser: it keeps cookies and submits forms, and follows redirects one by one, so that callers see each.
 */
export interface Visitor {
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Visited>;
  /** Submits the only form of a page like its button, with the hidden fields unchanged. */
  submit(
    pageUrl: string,
    page: Visited,
    headers?: Readonly<Record<string, string>>,
    more?: Iterable<readonly [string, string]>,
  ): Promise<Visited>;
  /** Opens a connect link and presses the button. @returns the response that redirects to the consent page */
  openLink(url: string, headers?: Readonly<Record<string, string>>): Promise<Visited>;
}

const PATIENCE_MS = 30_000;

export function createVisitor(): Visitor {
  /** By host name: cookies do not distinguish ports. */
  const cookies = new Map<string, Map<string, string>>();

  async function visit(url: string, init: RequestInit): Promise<Visited> {
    const { hostname } = new URL(url);
    const jar = cookies.get(hostname) ?? new Map<string, string>();
    cookies.set(hostname, jar);
    const headers = new Headers(init.headers);
    if (jar.size > 0) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, {
      ...init,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) jar.set(name, value);
    }
    const location = response.headers.get('location');
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      location: location === null ? null : new URL(location, url).href,
    };
  }

  const visitor: Visitor = {
    get: (url, headers = {}) => visit(url, { headers: { accept: 'text/html', ...headers } }),
    submit: (pageUrl, page, headers = {}, more = []) => {
      const { action, fields } = onlyForm(page.text);
      return visit(new URL(action, pageUrl).href, {
        method: 'POST',
        headers: { accept: 'text/html', ...headers },
        body: new URLSearchParams(
          [...fields, ...more].map(([name, value]): [string, string] => [name, value]),
        ),
      });
    },
    async openLink(url, headers = {}) {
      const page = await visitor.get(url, headers);
      return page.status === 200 ? visitor.submit(url, page, headers) : page;
    },
  };
  return visitor;
}

/** @throws Error if the page has no form, or several */
function onlyForm(html: string): { action: string; fields: [string, string][] } {
  const [form, ...others] = html.match(/<form\b.*?<\/form>/gs) ?? [];
  if (form === undefined || others.length > 0) throw new Error(`the page has ${others.length + 1} forms`);
  const fields = [...form.matchAll(/<input\b[^>]*\btype="hidden"[^>]*>/g)].map(
    ([input]): [string, string] => [attribute(input, 'name'), attribute(input, 'value')],
  );
  return { action: attribute(form, 'action'), fields };
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
  return value.replace(/&#(\d+);/g, (_entity, code: string) => String.fromCodePoint(Number(code)));
}
