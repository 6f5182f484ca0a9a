import { Type } from 'typebox';
import { createApi, type Api } from './api-client.ts';
import type { SandboxedProvider } from './sandboxed/provider.ts';

/** Where the callback sends the browser in the end; nothing is fetched from there. */
const RETURN_TO = 'http://127.0.0.1/connected';
const CREATOR = 'demo_creator';

/** A link that connects an account, for any browser, once. */
export async function connectLink(
  api: Api,
  { name }: SandboxedProvider,
  options: { returnTo?: string; method?: string } = {},
): Promise<string> {
  const body = { provider: name, ...options };
  return (await api.post('/api/connect-links', body, Type.Object({ url: Type.String() }))).url;
}

/** Connects the sandbox's creator by the redirects that a browser would follow; returns the account's id. */
export async function connectSandboxAccount(
  api: Api,
  sandboxUrl: string,
  provider: SandboxedProvider,
  onRedirect: (url: URL) => void = () => {},
  username = CREATOR,
): Promise<string> {
  const sandbox = createApi(sandboxUrl);
  await provider.addCreator(sandbox, username);
  const consent = { decision: 'approve', provider: provider.name, creator: username };
  await sandbox.post('/_sandbox/consent', consent, Type.Unknown());

  const end = await followRedirects(await connectLink(api, provider, { returnTo: RETURN_TO }), onRedirect);
  const account = end.searchParams.get('account');
  if (account !== null) return account;
  throw new Error(
    `The ${provider.title} account could not be connected: ${end.searchParams.get('error') ?? end.href}`,
  );
}

async function followRedirects(start: string, onRedirect: (url: URL) => void): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  for (let hops = 0; hops < 10; hops++) {
    const cookie = cookies.get(url.host) ?? '';
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'text/html', cookie },
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    const set = response.headers.getSetCookie().map((line) => line.split(';')[0]);
    if (set.length > 0) cookies.set(url.host, [cookie, ...set].filter(Boolean).join('; '));
    const location = response.headers.get('location');
    if (location === null)
      throw new Error(
        `Connecting stopped at ${url.origin}${url.pathname}: ${response.status} ${plain(text)}`,
      );
    url = new URL(location, url);
    if (url.href.startsWith(RETURN_TO)) return url;
    onRedirect(url);
  }
  throw new Error('Connecting never came to an end: more than 10 redirects');
}

function plain(html: string): string {
  return html
    .replaceAll(/<style.*?<\/style>|<[^>]+>/gs, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}
