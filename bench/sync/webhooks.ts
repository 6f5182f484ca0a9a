import { setTimeout as sleep } from 'node:timers/promises';
import { PROVIDER_NAMES, type ProviderName } from '../../providers/provider.ts';
import { type Commenting, createCommenting } from '../../sandbox/testing/comments.ts';
import { createCreator } from '../../sandbox/testing/creator.ts';
import { driverOf } from '../../test/drivers/index.ts';
import type { Row } from '../report.ts';
import type { Stack } from '../stack.ts';
import { ms, percentile } from '../stats.ts';
import type { Tenant } from '../tenant.ts';
import { askFor, connectWithMedia, isRead, type Synced, untilCopied } from './accounts.ts';

/* How soon a comment is there after the platform has told of it: its row, and its confirmation by the API. */

const MEDIA = 10;
const COMMENTS = 60;
const EVERY_MS = 400;
const PATIENCE_MS = 60_000;
const BACKFILL = 5_000;
const VISIBLE_MS = 1_000;
const CONFIRMED_MS = { idle: 5_000, during: 15_000 };

/** Comments of every platform that tells of them, idle and during the backfill of another account. */
export async function webhooks(stack: Stack, tenant: Tenant, say: (line: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const provider of PROVIDER_NAMES) {
    const commenting = createCommenting(stack.sandboxUrl, provider);
    if (commenting === null) continue;
    const account = await connectWithMedia(stack, tenant, provider, MEDIA);
    if (await isRead(stack, account))
      rows.push(...(await webhooksOf(stack, tenant, provider, account, commenting, say)));
  }
  return rows;
}

async function webhooksOf(
  stack: Stack,
  tenant: Tenant,
  provider: ProviderName,
  account: Synced,
  commenting: Commenting,
  say: (line: string) => void,
): Promise<Row[]> {
  const media = (await createCreator(stack.sandboxUrl, provider).all(account.openId)).map(({ id }) => id);
  await untilCopied(stack, account);
  const { title } = driverOf(provider);
  const idle = await follow(stack, account, commenting, media);
  say(
    `${title}: idle p99 ${ms(percentile(idle.visible, 0.99))}, confirmed ${ms(percentile(idle.confirmed, 0.99))}`,
  );
  const other = await connectWithMedia(stack, tenant, 'tiktok', BACKFILL);
  await askFor(tenant, other, { mode: 'full' });
  const during = await follow(stack, account, commenting, media);
  await untilCopied(stack, other, { held: true });
  const row = (name: string, values: readonly number[], most: number): Row => ({
    name: `${title}: comment to ${name}, p99 of ${COMMENTS}`,
    measured: ms(percentile(values, 0.99)),
    budget: `<= ${most / 1000} s`,
    ok: values.length === COMMENTS && percentile(values, 0.99) <= most,
  });
  return [
    row('its row, idle', idle.visible, VISIBLE_MS),
    row('confirmed by the API, idle', idle.confirmed, CONFIRMED_MS.idle),
    row('its row, during the backfill of another account', during.visible, VISIBLE_MS),
    row(
      'confirmed by the API, during the backfill of another account',
      during.confirmed,
      CONFIRMED_MS.during,
    ),
  ];
}

interface Delays {
  visible: number[];
  confirmed: number[];
}

/** Makes comments at a steady pace, and looks for them. */
async function follow(
  { sql }: Stack,
  account: Synced,
  commenting: Commenting,
  media: readonly string[],
): Promise<Delays> {
  const made = new Map<string, number>();
  const visible = new Map<string, number>();
  const confirmed = new Map<string, number>();
  const making = (async () => {
    for (let index = 0; index < COMMENTS; index += 1) {
      const at = Date.now();
      made.set(await commenting.make(media[index % media.length] ?? '', `comment ${index}`), at);
      await sleep(EVERY_MS);
    }
  })();
  const end = Date.now() + COMMENTS * EVERY_MS + PATIENCE_MS;
  while (confirmed.size < COMMENTS && Date.now() < end) {
    const rows = await sql<{ id: string; confirmed: boolean }[]>`
      select provider_comment_id as id, read_at is not null as confirmed from all_comments where account_id = ${account.id}`;
    const now = Date.now();
    for (const row of rows) {
      const at = made.get(row.id);
      if (at === undefined) continue;
      if (!visible.has(row.id)) visible.set(row.id, now - at);
      if (row.confirmed && !confirmed.has(row.id)) confirmed.set(row.id, now - at);
    }
    await sleep(10);
  }
  await making;
  return { visible: [...visible.values()], confirmed: [...confirmed.values()] };
}
