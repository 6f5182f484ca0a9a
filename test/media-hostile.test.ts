import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { peakMemory, resetPeakMemory } from '../stack/peak-memory.ts';
import { HOSTILE, manyTracks } from './hostile-media.ts';
import { createWorld, type Json, sampleVideo, tusUpload, until, type World } from './world.ts';

/* Files made to stop a worker, which continues with other users' work. */

/** Enough for three tries of a file that uses all its time, on a busy machine. */
const PATIENCE_MS = 240_000;
const REASON = /too much time or memory to inspect/;

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());

async function offer(bytes: Buffer, key: string, contentType = 'video/mp4'): Promise<string> {
  const body = { filename: 'file', contentType, size: bytes.length };
  const made = await world.call('POST', '/api/media', { key, body });
  expect(made.status).toBe(201);
  await tusUpload(made.body.uploadUrl, bytes, key);
  return made.body.id;
}

async function look(id: string, key: string): Promise<Json> {
  return (await world.call('GET', `/api/media/${id}`, { key })).body;
}

async function untilDecided(id: string, key: string): Promise<Json> {
  return until(
    'the file to be examined',
    async () => {
      const media = await look(id, key);
      return media.state === 'uploading' ? null : media;
    },
    PATIENCE_MS,
  );
}

async function examinationsOf(id: string): Promise<number> {
  const [row]: Json[] = await world.database.db.execute(sql`select examinations from media where id = ${id}`);
  return row.examinations;
}

/** The inspector processes of a worker: their ids and environments. */
function inspectors(parent: number): { pid: number; environment: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      const [, ppid] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
      if (!command.includes('inspector.ts') || Number(ppid) !== parent) return [];
      return [{ pid: Number(name), environment: readFileSync(`/proc/${name}/environ`, 'utf8') }];
    } catch {
      return [];
    }
  });
}

const workerPid = (): number => {
  const pid = world.children.findLast(({ name }) => name === 'worker')?.pid;
  if (pid === undefined) throw new Error('no worker runs');
  return pid;
};

test(
  'a worker continues other work, and stays small, while hostile files are inspected',
  async () => {
    onTestFailed(() => world.tell());
    const attacker = await world.newUser();
    const accountId = await world.connect();
    await world.upload(sampleVideo());
    resetPeakMemory(workerPid());
    const before = peakMemory(workerPid()) ?? 0;

    const bombs = Object.entries(HOSTILE).flatMap(([name, make]) =>
      /half a gigabyte/.test(name) ? [make()] : [],
    );
    const first = await offer(manyTracks(20_000), attacker.key);
    const [inspector] = await until('an inspector to run', async () => {
      const found = inspectors(workerPid());
      return found.length > 0 ? found : null;
    });
    // Node's own two variables, and none of the worker's.
    const variables = inspector?.environment.split('\0') ?? [];
    expect(variables.filter((line) => !/^(NODE_CHANNEL_.*)?$/.test(line))).toEqual([]);

    const hostile = [first, await offer(manyTracks(20_001), attacker.key)];
    for (const bytes of bombs) hostile.push(await offer(bytes, attacker.key, 'image/png'));
    const mediaId = await world.upload(sampleVideo());
    expect(await look(hostile[1] ?? '', attacker.key)).toMatchObject({ state: 'uploading' });
    const post = await world.publish({ accountId, mediaId });
    await world.untilPost(post.body.id, 'published');

    const ends = await Promise.all(hostile.map((id) => untilDecided(id, attacker.key)));
    for (const end of ends) expect(end).toMatchObject({ state: 'rejected', probed: null });
    expect(ends[0]?.rejectedReason).toMatch(REASON);
    expect(peakMemory(workerPid())).toBeLessThan(before + 64);
    expect(inspectors(workerPid())).toEqual([]);
  },
  PATIENCE_MS * 2,
);

test(
  'tries are counted across workers that die, and the inspector dies with its worker',
  async () => {
    onTestFailed(() => world.tell());
    const pid = workerPid();
    const id = await offer(manyTracks(20_000), world.user.key);
    const [inspector] = await until('an inspector to run', async () => {
      const found = inspectors(pid);
      return found.length > 0 ? found : null;
    });
    process.kill(pid, 'SIGKILL');
    await until('the inspector to end', async () => {
      try {
        process.kill(inspector?.pid ?? 0, 0);
        return null;
      } catch {
        return true;
      }
    });
    expect(await examinationsOf(id)).toBe(1);
    await world.spawn('worker');
    expect(await untilDecided(id, world.user.key)).toMatchObject({
      state: 'rejected',
      rejectedReason: expect.stringMatching(REASON),
    });
    expect(await examinationsOf(id)).toBe(3);
  },
  PATIENCE_MS * 2,
);
