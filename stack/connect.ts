import { Type } from 'typebox';
import type { Api } from './client.ts';
import { sandboxAt } from './sandbox.ts';
import type { Driver } from '../test/drivers/driver.ts';
import { createVisitor } from './visitor.ts';

/** The final target of the callback; nothing is fetched from there. */
const RETURN_TO = 'http://127.0.0.1/connected';
const CREATOR = 'demo_creator';
/** More than a platform allows, so that the demo can run all day. */
const POSTS_PER_DAY = 10_000;

/** A one-time link that connects an account, for any browser. */
export async function connectLink(
  api: Api,
  { provider }: Driver,
  options: { returnTo?: string; method?: string } = {},
): Promise<string> {
  const body = { provider, ...options };
  return (await api.post('/api/connect-links', body, Type.Object({ url: Type.String() }))).url;
}

/** Connects the sandbox's creator through the redirects that a browser would follow; returns the account's id. */
export async function connectSandboxAccount(
  api: Api,
  sandboxUrl: string,
  driver: Driver,
  onRedirect: (url: URL) => void = () => {},
  username = CREATOR,
): Promise<string> {
  const sandbox = sandboxAt(sandboxUrl);
  await driver.addCreator(sandbox, { username, method: null }, POSTS_PER_DAY);
  await sandbox.control('POST', '/consent', {
    decision: 'approve',
    provider: driver.provider,
    creator: username,
  });
  const end = await followRedirects(await connectLink(api, driver, { returnTo: RETURN_TO }), onRedirect);
  const account = end.searchParams.get('account');
  if (account !== null) return account;
  throw new Error(
    `The ${driver.title} account could not be connected: ${end.searchParams.get('error') ?? end.href}`,
  );
}

async function followRedirects(link: string, onRedirect: (url: URL) => void): Promise<URL> {
  const visitor = createVisitor();
  let url = new URL(link);
  let answer = await visitor.openLink(link);
  for (let hops = 0; hops < 10; hops++) {
    if (answer.location === null)
      throw new Error(
        `Connecting stopped at ${url.origin}${url.pathname}: ${answer.status} ${plain(answer.text)}`,
      );
    url = new URL(answer.location);
    if (url.href.startsWith(RETURN_TO)) return url;
    onRedirect(url);
    answer = await visitor.get(url.href);
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
