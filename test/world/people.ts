import { type Answer, createApi, type Init, type Json, parsed } from '../../stack/client.ts';
import { newUser } from '../../stack/users.ts';
import { createVisitor } from '../../stack/visitor.ts';
import type { Sandbox } from '../drivers/sandbox.ts';

/** A call may wait for what is under way. */
const PATIENCE_MS = 150_000;

export type Call = (method: string, path: string, init?: Init) => Promise<Answer>;

/** Tenants with their keys, and creators who connect their accounts. */
export function createPeople(url: string, adminKey: string, control: Sandbox['control']) {
  /** The tenant whose key a call has by default; empty until the world has started. */
  const user = { id: '', key: '' };
  const api = createApi(url, undefined, PATIENCE_MS);
  const call: Call = (method, path, init = {}) =>
    api.call(method, path, { ...init, key: init.key === undefined ? user.key : init.key });

  /** Another tenant, with a key. */
  const anotherUser = (): Promise<{ id: string; key: string }> =>
    newUser(createApi(url, adminKey, PATIENCE_MS), 'test');

  /**
   * Connects a sandbox creator through the real redirects.
   * @param method for providers with several ways to connect
   * @returns the browser's last URL
   */
  async function visitConsent(
    consent: Record<string, unknown> = {},
    key = user.key,
    provider = 'tiktok',
    method?: string,
  ): Promise<{ callback: string; answer: Answer }> {
    const link = await call('POST', '/api/connect-links', { key, body: { provider, method } });
    await control('POST', '/consent', { decision: 'approve', provider, ...consent });
    const visitor = createVisitor();
    const consentPage = await visitor.openLink(link.body.url);
    const page = await fetch(consentPage.location ?? '', { redirect: 'manual' });
    const callback = page.headers.get('location') ?? '';
    const answer = await visitor.get(callback, { accept: 'application/json' });
    return { callback, answer: { ...answer, body: parsed(answer.text) } };
  }

  /** @returns the account's id */
  async function connect(creator = 'sandbox_creator', key = user.key): Promise<string> {
    await control('POST', '/tiktok/creators', { username: creator });
    const { answer } = await visitConsent({ creator }, key);
    const { body } = await call('GET', '/api/accounts', { key });
    const account = body.data.find((row: Json) => row.username === creator);
    if (account === undefined) throw new Error(`not connected: ${answer.status} ${answer.text}`);
    return account.id;
  }

  return { user, call, newUser: anotherUser, visitConsent, connect };
}
