import { sql } from 'drizzle-orm';
import { expect, onTestFailed } from 'vitest';
import type { Json, World } from '../world.ts';
import { until } from './until.ts';

interface Setup {
  method?: 'facebook_login' | 'instagram_login';
  prepare?: (username: string) => Promise<unknown>;
  [more: string]: unknown;
}

const IDLE = ['idle', 'unsupported'];

/** Instagram accounts that are copied, for tests of sync. @param worldOf the file's world, which starts later */
export function createInstagramSync(worldOf: () => World) {
  const rows = (query: ReturnType<typeof sql>): Promise<Json[]> => worldOf().database.db.execute<Json>(query);

  /** An account of the sandbox, for which `prepare` makes what was there before it is connected. */
  async function connected(
    username: string,
    { method = 'facebook_login', prepare = async () => {}, ...profile }: Setup = {},
  ) {
    const world = worldOf();
    onTestFailed(() => world.tell());
    await world.control('POST', '/instagram/accounts', { username, followers: 500, ...profile });
    await world.control('POST', '/instagram/users', { name: username });
    await world.control('POST', '/instagram/pages', {
      name: `Page of ${username}`,
      user: username,
      instagram: username,
    });
    const all: Json[] = await world.control('GET', '/instagram/accounts').then((answer: Json) => answer);
    const igId: string = all.find((one) => one['username'] === username)?.['id'];
    await prepare(username);
    const { answer } = await world.visitConsent({ creator: username }, world.user.key, 'instagram', method);
    const { body } = await world.call('GET', '/api/accounts?limit=100');
    const account = body.data.find((row: Json) => row['username'] === username);
    if (account === undefined) throw new Error(`not connected: ${answer.status} ${answer.text}`);
    const id: string = account.id;
    return { account: id, igId };
  }

  const lines = async (account: string): Promise<Record<string, Json>> => {
    const { body } = await worldOf().call('GET', `/api/accounts/${account}/sync`);
    return Object.fromEntries(body.data.map((line: Json) => [line['stream'], line]));
  };

  /** Until every stream has had its round. */
  const firstPass = (account: string, streams?: readonly string[]) =>
    until('the first pass', async () => {
      const all = Object.entries(await lines(account)).filter(([name]) => streams?.includes(name) ?? true);
      const done = all.every(
        ([, line]) =>
          IDLE.includes(line['state']) && (line['state'] === 'unsupported' || line['lastSuccessAt'] != null),
      );
      return all.length > 0 && done ? true : null;
    });

  /** Asks for a pass and waits for its end. */
  async function sync(
    account: string,
    mode: 'incremental' | 'full' = 'full',
    streams: readonly string[] = ['media'],
  ): Promise<void> {
    const before = await lines(account);
    const { status } = await worldOf().call('POST', `/api/accounts/${account}/sync`, {
      body: { mode, streams },
    });
    expect(status).toBe(202);
    await until(`the end of the pass over ${streams.join(' and ')}`, async () => {
      const now = await lines(account);
      const ended = streams.every(
        (name) =>
          now[name]?.['state'] === 'idle' &&
          (now[name]['lastSuccessAt'] ?? '') > (before[name]?.['lastSuccessAt'] ?? ''),
      );
      return ended ? true : null;
    });
  }

  const media = (account: string) =>
    rows(sql`select m.* from ig_media m join instagram_accounts a on a.id = m.instagram_account_id
      where a.oauth_account_id = ${account} order by timestamp desc, child_index`);
  const comments = (account: string) =>
    rows(sql`select c.*, m.ig_id as media from ig_comments c join ig_media m on m.id = c.ig_media_id
      join instagram_accounts a on a.id = m.instagram_account_id where a.oauth_account_id = ${account} order by c.timestamp`);
  const numbers = (account: string, subject: string) =>
    rows(sql`select metric, breakdown, value::float, source from media_insights
      where oauth_account_id = ${account} and subject_id = ${subject}`);
  const subject = async (account: string, id: string, stream = 'media_insights'): Promise<Json> =>
    (
      await rows(
        sql`select * from sync_subjects where oauth_account_id = ${account} and stream = ${stream} and subject_id = ${id}`,
      )
    )[0];
  const kinds = async (account: string): Promise<string[]> =>
    (await rows(sql`select kind from changes where oauth_account_id = ${account} order by seq`)).map(
      ({ kind }) => kind,
    );

  return { rows, connected, lines, firstPass, sync, media, comments, numbers, subject, kinds };
}
