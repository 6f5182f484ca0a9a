import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `npm run check:facts`: fails if a comment or a document cites a section of docs/providers/<name>-facts.md that does
 * not exist, or cites one in another form than `tiktok-facts 4.5`. A citation may continue: `tiktok-facts 4.5, 4.6 and
 * 8.1`.
 */
const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const IGNORED = ['**/node_modules/**', '**/build/**', '.git/**', '.everpost*/**', 'db/migrations/**'];
const SECTION = String.raw`\d+(?:\.\d+)?`;
const NUMBERS = new RegExp(SECTION, 'g');
const HEADING = new RegExp(`^#{2,3} (${SECTION})\\.? `, 'gm');

const sections = readSections();
const names = [...sections.keys()].join('|');
const CITATION = new RegExp(`\\b([a-z]+)-facts (${SECTION}(?:(?:, | and | to )${SECTION})*)`, 'g');
const WITHOUT_SECTION = new RegExp(`\\b(?:${names})-facts(?!\\.md| \\d|[\\w\\]-])`);
/** The form of citations before the facts were in the repository. */
const OLD_FORMS = new RegExp(
  `\\bsheets?,?(?: (?:${names}),?)?(?: sections?)? \\d|\\b(?:${names})(?:-facts)?\\.md (?:sections? )?\\d` +
    `|\\b(?:${names})-facts,? sections? \\d|\\(sections? \\d`,
  'i',
);

const files = globSync('**/*.{ts,mjs,sql,yml,md}', { cwd: root, exclude: IGNORED }).toSorted();
const wrong = files.flatMap((file) => check(file, readFileSync(join(root, file), 'utf8').split('\n')));
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exitCode = 1;
}

/** @returns the numbers of the sections, by provider */
function readSections(): Map<string, Set<string>> {
  const folder = join(root, 'docs/providers');
  return new Map(
    globSync('*-facts.md', { cwd: folder }).map((file) => {
      const headings = readFileSync(join(folder, file), 'utf8').matchAll(HEADING);
      return [file.replace('-facts.md', ''), new Set([...headings].map(([, section = '']) => section))];
    }),
  );
}

function check(file: string, lines: readonly string[]): string[] {
  return lines.flatMap((line, index) => problems(line).map((problem) => `${file}:${index + 1}: ${problem}`));
}

function problems(line: string): string[] {
  const missing = [...line.matchAll(CITATION)].flatMap(([, name = '', numbers = '']) =>
    (numbers.match(NUMBERS) ?? [])
      .filter((number) => sections.get(name)?.has(number) !== true)
      .map(
        (number) =>
          `docs/providers/${name}-facts.md has no section ${number}: cite one that it has, or add it`,
      ),
  );
  if (OLD_FORMS.test(line))
    return [...missing, 'facts are cited like "tiktok-facts 4.5": name the file and the section'];
  if (WITHOUT_SECTION.test(line))
    return [...missing, 'name the section too, in the same line: "tiktok-facts 4.5"'];
  return missing;
}
