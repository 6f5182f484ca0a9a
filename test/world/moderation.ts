import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { createInstagramWorld, type InstagramWorld } from '../../sandbox/testing/instagram.ts';
import type { Answer, Json, World } from '../world.ts';
import { until } from './until.ts';

/** A media of the sandbox, and the row of its copy. */
export interface CopiedMedia {
  id: string;
  row: string;
}

type One = (query: ReturnType<typeof sql>) => Promise<Json>;

/** Comments on Instagram that only actions change, for tests of moderation. @param world the file's, which starts later */
export function createInstagramModeration(world: () => World) {
  const one: One = async (query) => (await world().database.db.execute(query))[0];
  return { one, ...createComments(world, one), ...createActions(world, one) };
}

/** Creators with comments, which are copied as a page would copy them. */
function createComments(world: () => World, one: One) {
  const instagram = (): InstagramWorld => createInstagramWorld(world().sandbox.url);

  /** A creator with a Page, as Facebook Login needs it. */
  async function newCreator(username: string): Promise<void> {
    await world().control('POST', '/instagram/accounts', { username });
    await world().control('POST', '/instagram/pages', {
      name: username,
      user: username,
      instagram: username,
    });
  }

  async function connect(provider: string, creator?: string, scopes?: string[]): Promise<Json> {
    const consent = {
      ...(creator === undefined ? {} : { creator }),
      ...(scopes === undefined ? {} : { scopes }),
    };
    const { answer } = await world().visitConsent(consent, world().user.key, provider);
    // Only actions write copies here: no stream reads the platform beside them.
    await world().database.db.execute(sql`update sync_states set state = 'unsupported', next_due_at = null`);
    return answer.body.accounts[0];
  }

  async function someMedia({ id, username }: Json): Promise<CopiedMedia> {
    const made = await instagram().makeMedia({ account: username });
    const { row } = await one(sql`
      insert into ig_media (user_id, instagram_account_id, ig_id, timestamp, source, read_at)
      select user_id, id, ${made.id}, now(), 'page', now() from instagram_accounts where oauth_account_id = ${id}
      on conflict (instagram_account_id, ig_id) do update set read_at = now() returning id as row`);
    return { id: made.id, row };
  }

  /** Somebody comments; the comment is copied as a page would copy it. */
  async function comment(on: CopiedMedia, fields: Json = {}): Promise<{ id: string; row: string }> {
    const made = await instagram().comment(on.id, 'so good', { event: false, ...fields });
    const { row } = await one(sql`
      insert into ig_comments (user_id, ig_media_id, ig_id, from_user, text, hidden, own, source, read_at, timestamp, raw)
      select user_id, id, ${made.id}, 'some_fan', 'so good', ${made.hidden}, ${made.own}, 'page', now(), now(), '{"id":"of a page"}'
      from ig_media where id = ${on.row} returning id as row`);
    return { id: made.id, row };
  }

  return { newCreator, connect, someMedia, comment };
}

/** What clients do, and what became of it. */
function createActions(world: () => World, one: One) {
  const act = (row: string, kind: string, init: Json = {}): Promise<Answer> =>
    world().call('POST', `/api/comments/${row}/${kind}`, init);
  const reply = (row: string, text: string, key: string = randomUUID()): Promise<Answer> =>
    act(row, 'reply', { body: { text }, headers: { 'idempotency-key': key } });

  const copyOf = (row: string): Promise<Json> => one(sql`select * from ig_comments where id = ${row}`);
  async function commentsInSandbox(): Promise<Json[]> {
    const rows: Json = await world().control('GET', '/instagram/comments');
    return rows;
  }
  const inSandbox = async (id: string): Promise<Json> =>
    (await commentsInSandbox()).find((row) => row.id === id);
  const repliesTo = async (id: string): Promise<Json[]> =>
    (await commentsInSandbox()).filter((row) => row.parentId === id);
  const actionRow = (id: string): Promise<Json> => one(sql`select * from comment_actions where id = ${id}`);
  const changesOf = async (row: string): Promise<Json[]> =>
    world().database.db.execute(sql`select kind, data from changes where subject_id = ${row} order by seq`);
  const callsTo = async (endpoint: string, method = 'POST'): Promise<number> =>
    (await world().requests(endpoint)).filter((row: Json) => row.method === method).length;

  async function untilState(id: string, ...states: string[]): Promise<Json> {
    return until(`action ${id} to be ${states.join(' or ')}`, async () => {
      const { body } = await world().call('GET', `/api/comment-actions/${id}`);
      return states.includes(body.state) ? body : null;
    });
  }

  /** Lets the minute pass in which a lost reply may still appear. */
  async function passMinute(id: string): Promise<void> {
    await world().database.db.execute(
      sql`update comment_actions set last_sent_at = last_sent_at - interval '61 seconds' where id = ${id}`,
    );
    await world().skipTime(`action:${id}`);
  }

  return { act, reply, copyOf, inSandbox, repliesTo, actionRow, changesOf, callsTo, untilState, passMinute };
}
