import { join } from 'node:path';
import process from 'node:process';
import { ROOT } from '../stack/checkout.ts';
import { freePort } from '../stack/ports.ts';
import { answers } from '../stack/ports.ts';
import { run } from '../stack/run.ts';
import type { Load, LoadResult } from './load.ts';
import { bareEnvironment, type Secrets } from '../stack/settings.ts';
import { type Stack } from './stack.ts';
import { until } from './until.ts';

export type { LoadResult } from './load.ts';

/** Sends webhooks from a separate process. */
export async function sendWebhooks(
  { secrets }: Stack,
  url: string,
  tag: string,
  shape: Omit<Load, 'url' | 'secret' | 'tag'>,
): Promise<LoadResult> {
  const load: Load = { url, secret: secretOf(secrets), tag, ...shape };
  const command = [process.execPath, join(ROOT, 'bench/load.ts'), JSON.stringify(load)];
  return JSON.parse(await run(command, { env: bareEnvironment }));
}

/** Starts the floor on the same database, with a table that has the same columns and indexes. */
export async function startBare(stack: Stack): Promise<{ url: string; pid: number }> {
  await stack.sql`create table bare_events (like webhook_events including all)`;
  const port = await freePort();
  const { pid } = await stack.run('bare', [
    process.execPath,
    join(ROOT, 'bench/bare-webhooks.ts'),
    String(port),
    secretOf(stack.secrets),
    stack.databaseUrl,
  ]);
  await until('the bare server', 30_000, async () => (await answers(port)) || null);
  return { url: `http://127.0.0.1:${port}/`, pid };
}

/** The secret of TikTok's webhook signatures. */
const secretOf = ({ apps }: Secrets): string => apps.get('tiktok') ?? '';

export interface EventCounts {
  stored: number;
  /** Events whose workflows are known to be started. */
  started: number;
  applied: number;
}

/** The state of the webhooks so far. */
export async function countEvents({ sql }: Stack): Promise<EventCounts> {
  const [row] = await sql<EventCounts[]>`
    select count(*)::int as stored, count(workflow_started_at)::int as started, count(processed_at)::int as applied
    from webhook_events`;
  return row ?? { stored: 0, started: 0, applied: 0 };
}
