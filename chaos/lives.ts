import { setTimeout as sleep } from 'node:timers/promises';
import { createCommenting } from '../sandbox/testing/comments.ts';
import { createCreator } from '../sandbox/testing/creator.ts';
import { driverOf } from '../test/drivers/index.ts';
import type { ChaosAccount } from './creators.ts';
import { createRandom } from './random.ts';
import type { World } from './world.ts';

/*
 * What creators do in the platforms' own apps while a round publishes: they have media that are not ours, and post, edit,
 * delete and restore some; people see them, and comment.
 */

/** An act of a creator or of somebody who sees their media, or a fault of the next reads. */
export interface Act {
  /** Milliseconds from the start of the round. */
  at: number;
  /** Number of the account. */
  account: number;
  kind: 'make' | 'edit' | 'count' | 'remove' | 'restore' | 'comment' | 'take back' | 'fault';
  /** Which one: divided by how many there are. */
  draw: number;
}

export interface Lives {
  /** How many media each account has from the start. */
  media: readonly number[];
  acts: readonly Act[];
}

/** So few that no pass holds their removals back (design: CRM sync, 4.4). */
const MOST_REMOVED = 5;

/** A stream of numbers of its own: the plans of known seeds stay as they are. */
export function planLives(seed: number, accounts: number, durationMs: number): Lives {
  const random = createRandom(seed ^ 0x5eed);
  const acts = Array.from({ length: accounts * 5 }, (): Act => ({
    at: random.int(0, durationMs),
    account: random.int(0, accounts - 1),
    kind: random.weigh([
      ['make', 20],
      ['edit', 15],
      ['count', 25],
      ['remove', 15],
      ['restore', 5],
      ['comment', 15],
      ['take back', 5],
      ['fault', 20],
    ]),
    draw: random.int(0, 9_999),
  }));
  return {
    media: Array.from({ length: accounts }, () => random.int(0, 60)),
    acts: acts.toSorted((a, b) => a.at - b.at),
  };
}

const DAY_MS = 86_400_000;

/** Gives the accounts their media, and lets everything happen at its time. */
export async function live(
  world: World,
  { media, acts }: Lives,
  accounts: readonly ChaosAccount[],
): Promise<void> {
  const since = Date.now();
  await Promise.all(
    accounts.map(async (account, number) => {
      const creator = await ownerOf(world, account, media[number] ?? 0);
      for (const act of acts.filter((one) => one.account === number)) {
        await sleep(Math.max(0, since + act.at - Date.now()));
        if (act.kind === 'fault') await spoilReads(world, account, act.draw);
        else await perform(creator, act);
      }
    }),
  );
}

const SPOILT = ['drop-before', 'truncated', 'cut', 'slow', 'html', 'status'] as const;

/** The next read of this account, or the one after it, does not come through, or late. */
async function spoilReads({ api }: World, { provider, openId }: ChaosAccount, draw: number): Promise<void> {
  const { reads } = driverOf(provider).chaos;
  const kind = SPOILT[draw % SPOILT.length];
  await api.control('POST', '/faults', {
    endpoint: reads[draw % reads.length],
    account: openId,
    kind,
    times: 1,
    after: draw % 2,
    ...(kind === 'slow' ? { ms: 1_500 } : {}),
    ...(kind === 'html' || kind === 'status' ? { http: 503 } : {}),
  });
}

type Owner = Awaited<ReturnType<typeof ownerOf>>;

async function ownerOf({ stack }: World, { provider, openId }: ChaosAccount, count: number) {
  const creator = createCreator(stack.sandboxUrl, provider);
  const first = { account: openId, text: 'old', createdAt: Date.now() - DAY_MS, everyMs: 3_600_000 };
  const here = count === 0 ? [] : await creator.makeMany({ ...first, count });
  const gone: string[] = [];
  const comments: string[] = [];
  return { creator, commenting: createCommenting(stack.sandboxUrl, provider), openId, here, gone, comments };
}

async function perform(
  { creator, commenting, openId, here, gone, comments }: Owner,
  { kind, draw }: Act,
): Promise<void> {
  const one = here[draw % Math.max(1, here.length)];
  if (kind === 'make') {
    here.push(await creator.make({ account: openId, text: `new ${draw}`, createdAt: Date.now() - draw }));
  } else if (kind === 'restore') {
    const back = gone.pop();
    if (back === undefined) return;
    await creator.restore(back);
    here.push(back);
  } else if (kind === 'take back') {
    const taken = comments.pop();
    if (taken !== undefined) await commenting?.remove(taken).catch(() => {});
  } else if (one === undefined) return;
  else if (kind === 'edit') await creator.edit(one, { text: `edited ${draw}` });
  else if (kind === 'count') await creator.setCounts(one, { likes: draw, shares: draw % 7 });
  else if (kind === 'comment') {
    if (commenting !== null) comments.push(await commenting.make(one, `comment ${draw}`));
  } else if (gone.length < MOST_REMOVED) {
    await creator.remove(one);
    here.splice(here.indexOf(one), 1);
    gone.push(one);
  }
}
