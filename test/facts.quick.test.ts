import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../stack/run.ts';

/*
 * Runs `npm run check:facts` on a repository with one comment. The check reads this file too, so it contains no wrong
 * citation in one piece.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FACTS = ['tiktok', 'facts'].join('-');
const PHOTOS = ['4', '5'].join('.');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'everpost-facts-'));
  mkdirSync(join(folder, 'docs/providers'), { recursive: true });
  writeFileSync(
    join(folder, `docs/providers/${FACTS}.md`),
    '# TikTok\n\n## 4. Publishing\n\n### 4.5 Photos\n\n### 4.10 Status\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function check(comment: string): Promise<string> {
  writeFileSync(join(folder, 'client.ts'), `const answer = 42;\n// ${comment}\n`);
  return run([process.execPath, 'scripts/check-facts.ts', folder], { cwd: ROOT });
}

test.each([
  `Photos (${FACTS} 4.5).`,
  `${FACTS} 4.5: photos.`,
  `Photos and their status (${FACTS} 4, 4.5 and 4.10, row 7).`,
  `See docs/providers/${FACTS}.md, and RFC 6749 section 6.`,
])('a citation of an existing section is accepted: %s', async (comment) => {
  expect(await check(comment)).toBe('');
});

const OLD = 'client.ts:2: facts are cited like';
test.each([
  [`Photos (${FACTS} 4.6).`, `client.ts:2: docs/providers/${FACTS}.md has no section 4.6`],
  [`Photos (${FACTS} 4.5, 4.1 and 4.10).`, `client.ts:2: docs/providers/${FACTS}.md has no section 4.1:`],
  [
    `Photos (${FACTS.replace('tik', 'tok')} 4.5).`,
    'client.ts:2: docs/providers/toktok-facts.md has no section 4.5',
  ],
  [`Photos (${FACTS}, as above).`, 'client.ts:2: name the section too'],
  [`Photos (sheet ${PHOTOS}).`, OLD],
  [`Photos (sheet tiktok section ${PHOTOS}).`, OLD],
  [`Photos (tiktok.md ${PHOTOS}).`, OLD],
  [`Photos (section ${PHOTOS}).`, OLD],
])('an ambiguous or wrong citation is refused, with file and line: %s', async (comment, problem) => {
  await expect(check(comment)).rejects.toThrow(problem);
});
