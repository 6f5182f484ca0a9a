import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { createApi } from '../stack/client.ts';
import { SAMPLE } from '../stack/checkout.ts';
import { uploadMedia } from '../stack/upload.ts';
import { publish, publishedAt } from './posts.ts';
import type { Row } from './report.ts';
import { type Stack, withStack } from './stack.ts';
import { median, spread } from './stats.ts';
import { connectAccounts, newTenant } from './tenant.ts';
import { until } from './until.ts';

const POSTS = 15;
const IDLE_MS = 20_000;
const BUDGET = 50;
/** As clients post: a second one with the same text would be refused. */
const CHECKED = { allowDuplicate: false };

/**
 * How many statements one post costs the database, in server and worker together, from the API call to the end of its
 * workflow: as PostgreSQL logs them, with BEGIN and COMMIT.
 */
export async function statements(say: (line: string) => void): Promise<Row[]> {
  return withStack({}, async (stack) => {
    const tenant = await newTenant(stack);
    const mediaId = await uploadMedia(tenant.api, tenant.key, SAMPLE);
    // Each post has its own account: the server caches an account's options for 20 seconds.
    const [first = '', ...accounts] = await connectAccounts(tenant, stack, POSTS + 1);
    // Only polling finds the end.
    await createApi(stack.sandboxUrl).post('/_sandbox/webhooks', { drop: 1_000 }, Type.Unknown());
    const publishOne = async (accountId: string): Promise<void> =>
      void (await publishedAt(
        stack,
        await publish(tenant, accountId, mediaId, `counted ${accountId}`, CHECKED),
      ));

    // The first post also pays for work on first use.
    await publishOne(first);
    await logStatements(stack);
    const idle = await logged(stack, () => sleep(IDLE_MS));
    say(`idle: ${idle.length} statements in ${IDLE_MS / 1000} s`);
    const posts: (readonly string[])[] = [];
    for (const account of accounts) posts.push(await logged(stack, () => publishOne(account)));
    const counts = posts.map((post) => post.length);
    const reads = posts.map((post) => post.filter(readsPost).length);
    const typical = posts.find((post) => post.length === median(counts)) ?? [];
    for (const statement of typical) say(statement.slice(0, 150));

    return [
      {
        name: `SQL statements of a post: file, direct, decided at once; of ${POSTS}`,
        measured: spread(counts, String),
        budget: `<= ${BUDGET}`,
        ok: median(counts) <= BUDGET,
      },
      { name: 'of these: reads of the row of a post', measured: spread(reads, String) },
      {
        name: `statements of all that runs without a post, in ${IDLE_MS / 1000} s`,
        measured: String(idle.length),
      },
    ];
  });
}

/** Makes PostgreSQL log every statement from now on, including those of open connections. */
async function logStatements(stack: Stack): Promise<void> {
  await stack.sql`alter system set log_statement = 'all'`;
  await stack.sql`select pg_reload_conf()`;
  await until('PostgreSQL to log statements', 30_000, async () => {
    const text = await mark(stack);
    return logOf(stack).includes(text) ? true : null;
  });
}

/** Marks a place in the log. */
async function mark({ sql }: Stack): Promise<string> {
  const text = `mark ${Math.random()}`;
  await sql.unsafe(`select '${text}'`);
  return text;
}

const logOf = ({ fleet }: Stack): string => readFileSync(fleet.child('postgres').logFile, 'utf8');

/** The statements of Everpost's processes that PostgreSQL logged during `work`. */
async function logged(stack: Stack, work: () => Promise<void>): Promise<string[]> {
  const begin = await mark(stack);
  await work();
  const end = await mark(stack);
  // A statement of several lines goes on behind tabs.
  const lines = logOf(stack).replaceAll('\n\t', ' ').split('\n');
  const position = (text: string): number => lines.findIndex((line) => line.includes(text));
  return lines.slice(position(begin) + 1, position(end)).flatMap((line) => {
    const [, statement] = /LOG: {2}(?:statement|execute [^:]*):\s+(.*)/.exec(line) ?? [];
    return statement === undefined ? [] : [statement];
  });
}

/** Whether a statement reads rows of posts; what the ledger looks up within its own counts none. */
function readsPost(statement: string): boolean {
  return /^select\b.*\b(from|join) "posts"/.test(statement);
}
