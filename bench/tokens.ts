import { Type } from 'typebox';
import { createApi } from '../stack/client.ts';
import { SAMPLE } from '../stack/checkout.ts';
import { uploadMedia } from '../stack/upload.ts';
import { publish } from './posts.ts';
import type { Row } from './report.ts';
import { type Stack, withStack } from './stack.ts';
import { connectAccounts, newTenant } from './tenant.ts';
import { until } from './until.ts';

const POSTS = 100;
/** Six posts a minute for one account: the minutes are skipped, but each costs some seconds. */
const PUBLISHED_MS = 600_000;
const Requests = Type.Array(
  Type.Object({ status: Type.Union([Type.Number(), Type.Null()]), body: Type.Unknown() }),
);
const Publishes = Type.Array(Type.Object({ live: Type.Boolean() }));

/** A hundred posts of an account whose token TikTok has expired. */
export async function tokens(say: (line: string) => void): Promise<Row[]> {
  return withStack({ timeSkipping: true }, async (stack) => {
    const { sql, sandboxUrl } = stack;
    const tenant = await newTenant(stack);
    const mediaId = await uploadMedia(tenant.api, tenant.key, SAMPLE);
    const [accountId = ''] = await connectAccounts(tenant, stack, 1);
    const sandbox = createApi(sandboxUrl);
    const { openId } = await tenant.api.get(
      `/api/accounts/${accountId}`,
      Type.Object({ openId: Type.String() }),
    );
    await sandbox.post('/_sandbox/tiktok/expire-tokens', { openId }, Type.Unknown());
    // Our row shows it too: so each of them requests another token before it calls TikTok.
    await sql`update oauth_accounts set expires_at = now() where id = ${accountId}`;

    const since = Date.now();
    const posts = await Promise.all(
      Array.from({ length: POSTS }, (_, index) => publish(tenant, accountId, mediaId, `post ${index}`)),
    );
    await until('the refresh', 120_000, async () => {
      const [row] = await sql`select 1 from oauth_accounts where id = ${accountId} and token_version = 2`;
      return row === undefined ? null : true;
    });
    const refreshedMs = Date.now() - since;
    say(`refreshed after ${refreshedMs} ms`);
    await until('all to be published', PUBLISHED_MS, async () =>
      (await skipMinute(stack, accountId)) ? true : null,
    );

    const calls = await sandbox.get('/_sandbox/requests?endpoint=oauth.token', Requests);
    const refreshes = calls.filter(({ body }) => JSON.stringify(body).includes('refresh_token')).length;
    const live = (await sandbox.get('/_sandbox/tiktok/publishes', Publishes)).filter(
      (row) => row.live,
    ).length;
    return [
      {
        name: `refreshes when ${POSTS} publishes meet one expired token`,
        measured: String(refreshes),
        budget: 'exactly 1',
        ok: refreshes === 1,
      },
      {
        name: `of these, live in the end`,
        measured: String(live),
        budget: `exactly ${posts.length}`,
        ok: live === posts.length,
      },
      { name: 'first API call to the new token', measured: `${refreshedMs} ms` },
    ];
  });
}

/** Lets a minute pass in the ledger and in the posts that wait for it. @returns whether all are published */
async function skipMinute({ sql, temporal }: Stack, accountId: string): Promise<boolean> {
  const open = await sql<{ id: string; state: string }[]>`
    select id, state from posts where oauth_account_id = ${accountId} and state <> 'published'`;
  await sql`update quota_reservations set at = at - interval '1 minute' where oauth_account_id = ${accountId}`;
  for (const { id, state } of open)
    if (state === 'waiting_quota')
      await temporal.workflowService
        .updateWorkflowExecutionOptions({
          namespace: 'default',
          workflowExecution: { workflowId: `post:${id}` },
          workflowExecutionOptions: { timeSkippingConfig: { enabled: true } },
          updateMask: { paths: ['time_skipping_config'] },
        })
        .catch(() => {});
  return open.length === 0;
}
