import { join } from 'node:path';
import process from 'node:process';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { createApi } from '../stack/client.ts';
import { ROOT, SAMPLE } from '../stack/checkout.ts';
import { freePort } from '../stack/ports.ts';
import { padMp4 } from '../stack/pad-mp4.ts';
import { peakMemory, resetPeakMemory } from '../stack/peak-memory.ts';
import { answers } from '../stack/ports.ts';
import { run } from '../stack/run.ts';
import { uploadMedia } from '../stack/upload.ts';
import { settledMemory } from './memory.ts';
import { publish, publishedAt, type SentPost } from './posts.ts';
import type { Row } from './report.ts';
import { bareEnvironment } from '../stack/settings.ts';
import { type Stack, withStack } from './stack.ts';
import { median, megabytesPerSecond, spread } from './stats.ts';
import { connectAccounts, newTenant } from './tenant.ts';
import { until } from './until.ts';

/** TikTok's maximum; sparse, so it takes no space on disk. */
const SIZE = 4_000_000_000;
const ROUNDS = 3;
const GROWTH_BUDGET_MB = 64;
const Copied = Type.Object({
  statusCode: Type.Literal(200),
  answer: Type.Object({ bytes: Type.Literal(SIZE), sha256: Type.String() }),
  seconds: Type.Number(),
});
const Publishes = Type.Array(
  Type.Object({ id: Type.String(), sha256: Type.Union([Type.String(), Type.Null()]) }),
);

/** 4 GB from the media store to the provider: speed and memory. */
export async function upload(say: (line: string) => void): Promise<Row[]> {
  return withStack({}, async (stack) => {
    const file = join(stack.dir, 'big.mp4');
    await padMp4(SAMPLE, file, SIZE);
    const tenant = await newTenant(stack);
    const [accountId = ''] = await connectAccounts(tenant, stack, 1);
    const sinkUrl = await startSink(stack);

    const idleMb = megabytesOf(await settledMemory(stack.worker.pid));
    resetPeakMemory(stack.worker.pid);
    let since = performance.now();
    const mediaId = await uploadMedia(tenant.api, tenant.key, file);
    const tusSeconds = (performance.now() - since) / 1000;
    const examinedMb = peakMemory(stack.worker.pid);
    say(`uploaded to us and examined in ${tusSeconds.toFixed(0)} s`);

    const ours: number[] = [];
    const plain: number[] = [];
    const before: (number | null)[] = [];
    const peaks: (number | null)[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      plain.push(SIZE / (await copy(file, sinkUrl)));
      // A fresh worker, so that the growth comes from this upload.
      await stack.restart('worker');
      await stack.untilReady();
      before.push(megabytesOf(await settledMemory(stack.worker.pid)));
      resetPeakMemory(stack.worker.pid);
      since = performance.now();
      const post = await publish(tenant, accountId, mediaId, `big ${round}`);
      await publishedAt(stack, post);
      peaks.push(peakMemory(stack.worker.pid));
      ours.push(SIZE / (await transferSeconds(stack, post)));
      say(
        `${round}: plain ${megabytesPerSecond(plain.at(-1) ?? 0)}, ours ${megabytesPerSecond(ours.at(-1) ?? 0)}, worker ${before.at(-1)} to ${peaks.at(-1)} MB`,
      );
    }
    await checkHashes(stack);
    const ratio = median(ours) / median(plain);
    const growth = peaks.map((peak, round) => (peak ?? Number.NaN) - (before[round] ?? Number.NaN));
    return [
      {
        name: `upload to TikTok, ${SIZE / 1e9} GB in chunks of 10 MB`,
        measured: spread(ours, megabytesPerSecond),
        floor: spread(plain, megabytesPerSecond),
        ratio,
        budget: 'ratio >= 0.8',
        ok: ratio >= 0.8,
      },
      {
        name: 'worker memory meanwhile, at most (VmHWM), over idle',
        measured: `+${spread(growth, mb)}`,
        budget: `+${GROWTH_BUDGET_MB} MB`,
        ok: median(growth) <= GROWTH_BUDGET_MB,
      },
      {
        name: `${SIZE / 1e9} GB by tus into our media store, and examined`,
        measured: `${tusSeconds.toFixed(0)} s, worker at most +${mb((examinedMb ?? Number.NaN) - (idleMb ?? Number.NaN))}`,
      },
    ];
  });
}

const mb = (value: number): string => `${Math.round(value)} MB`;
const megabytesOf = (memory: { total: number } | null): number | null =>
  memory === null ? null : Math.round(memory.total / 1e6);

async function startSink(stack: Stack): Promise<string> {
  const port = await freePort();
  await stack.run('sink', [process.execPath, join(ROOT, 'bench/sink.ts'), String(port)]);
  await until('the sink', 30_000, async () => (await answers(port)) || null);
  return `http://127.0.0.1:${port}/`;
}

async function copy(file: string, url: string): Promise<number> {
  const command = [process.execPath, join(ROOT, 'bench/copy.ts'), file, url];
  const result: unknown = JSON.parse(await run(command, { env: bareEnvironment }));
  if (!Value.Check(Copied, result)) throw new Error(`the plain copy failed: ${JSON.stringify(result)}`);
  return result.seconds;
}

/** From the start to the end of the activity that sends the bytes, by Temporal's times. */
async function transferSeconds({ temporal }: Stack, { workflowId }: SentPost): Promise<number> {
  const { events = [] } = await temporal.workflow.getHandle(workflowId).fetchHistory();
  const scheduled = events?.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'transferMedia',
  )?.eventId;
  const time = (
    kind: 'activityTaskStartedEventAttributes' | 'activityTaskCompletedEventAttributes',
  ): number => {
    const at = events?.find(
      (event) => String(event[kind]?.scheduledEventId) === String(scheduled),
    )?.eventTime;
    return Number(at?.seconds) + (at?.nanos ?? Number.NaN) / 1e9;
  };
  return time('activityTaskCompletedEventAttributes') - time('activityTaskStartedEventAttributes');
}

/** A fast but wrong transfer does not count. */
async function checkHashes(stack: Stack): Promise<void> {
  const publishes = await createApi(stack.sandboxUrl).get('/_sandbox/tiktok/publishes', Publishes);
  const [row] = await stack.sql<{ sha256: string }[]>`select sha256 from media limit 1`;
  const wrong = publishes.filter(({ sha256 }) => sha256 !== row?.sha256);
  if (publishes.length !== ROUNDS || wrong.length > 0)
    throw new Error(`TikTok has other bytes than we sent: ${JSON.stringify(publishes)}`);
}
