import type { Row } from './report.ts';
import { withStack } from './stack.ts';
import { kills } from './sync/kills.ts';
import { pages } from './sync/pages.ts';
import { passes } from './sync/passes.ts';
import { publishes } from './sync/publishes.ts';
import { webhooks } from './sync/webhooks.ts';
import { newTenant } from './tenant.ts';

/** What copying costs, and that it does not delay a publish. */
export async function sync(say: (line: string) => void): Promise<Row[]> {
  return withStack({ settings: { EVERPOST_SYNC: 'on' } }, async (stack) => {
    const tenant = await newTenant(stack);
    const rows: Row[] = [];
    for (const part of [passes, pages, webhooks, publishes, kills])
      rows.push(...(await part(stack, tenant, say)));
    return rows;
  });
}
