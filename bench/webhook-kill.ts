import type { Row } from './report.ts';
import { withStack } from './stack.ts';
import { perSecond } from './stats.ts';
import { until } from './until.ts';
import { countEvents, sendWebhooks } from './webhook-load.ts';

const SENT = { rate: 150, count: 600, connections: 32, insist: true };
/** The sweep finds unstarted events within minutes; Temporal's development server is not fast. */
const APPLIED_MS = 600_000;

/** Kills the server during webhooks; the sender repeats those not answered 200, like TikTok. */
export async function kill(say: (line: string) => void): Promise<Row[]> {
  return withStack({}, async (stack) => {
    const since = Date.now();
    const sending = sendWebhooks(stack, `${stack.apiUrl}/api/webhooks/tiktok`, 'killed', SENT);
    await until('the load to be under way', 60_000, async () =>
      (await countEvents(stack)).stored >= SENT.count / 3 ? true : null,
    );
    await stack.restart('server');
    const { answered, refused } = await sending;
    const { stored } = await countEvents(stack);
    say(`killed and started again: ${answered} answered, ${stored} rows`);
    const applied = await until('all to be applied', APPLIED_MS, async () => {
      const now = await countEvents(stack);
      return now.applied === now.stored ? now.applied : null;
    });
    say(`all applied, ${perSecond(applied / ((Date.now() - since) / 1000))} from the first on`);
    const lost = SENT.count - stored;
    return [
      {
        name: `of ${SENT.count} webhooks, ${SENT.rate}/s, server killed (SIGKILL) in the middle: lost`,
        measured: `${lost} (${answered} answered 200, ${stored} stored, ${applied} applied)`,
        budget: '0',
        ok: lost === 0 && refused === 0 && applied === SENT.count,
      },
    ];
  });
}
