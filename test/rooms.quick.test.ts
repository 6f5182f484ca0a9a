import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/* What a room of the house may not know (docs/architecture.md). */

const ROOT = join(import.meta.dirname, '..');
const PROVIDER = /tiktok|instagram|threads/i;

test.each(['workflows', 'activities', 'temporal'])('%s/ names no provider', (room) => {
  const lines = readdirSync(join(ROOT, room)).flatMap((file) =>
    readFileSync(join(ROOT, room, file), 'utf8')
      .split('\n')
      .filter((line) => PROVIDER.test(line))
      .map((line) => `${room}/${file}: ${line.trim()}`),
  );
  expect(lines).toEqual([]);
});

test('plan.ts names no provider', () => {
  expect(readFileSync(join(ROOT, 'plan.ts'), 'utf8')).not.toMatch(PROVIDER);
});
