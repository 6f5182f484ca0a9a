import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ERRORS } from '../api/error-codes.ts';
import type { CatalogueRow, ProviderErrorKind } from '../providers/errors.ts';
import { META_CODES, META_NAMES, type MetaRow } from '../providers/meta/codes.ts';
import { ERROR_CODES, FAIL_REASONS } from '../providers/tiktok/errors.ts';

/*
 * `npm run docs` writes the tables of error codes into the docs, each between `<!-- table: name -->` and
 * `<!-- end of table -->`; with `--check` it only fails where they differ from the code.
 */

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const root = fileURLToPath(new URL('..', import.meta.url));

const DOES: Readonly<Record<ProviderErrorKind, string>> = {
  token: 'has the token refreshed and goes on; refused again: `waiting_account`',
  grant: '`waiting_account`',
  account: '`waiting_account`',
  quota: '`waiting_quota`',
  rejected: '`failed`',
  unavailable: 'tries again',
  gone: 'makes it again',
  unknown: 'file: init is made again; URL: `reconciling`, then `unknown`',
};

/** What comes after a limited number of tries. */
const THEN: Partial<Record<ProviderErrorKind, string>> = {
  token: ', where no container can be made anew',
  unavailable: ', a few times; then with a new container, or `failed`',
};

/** @returns the path where the file is not as it should be, and may not be written */
function write(path: string, tables: Readonly<Record<string, string>>): string | null {
  const before = readFileSync(root + path, 'utf8');
  let after = before;
  for (const [name, rows] of Object.entries(tables)) {
    const block = new RegExp(`(<!-- table: ${name} -->\n)[^]*?(<!-- end of table -->)`);
    if (!block.test(before)) throw new Error(`${path} has no place for the table ${name}`);
    after = after.replace(block, (_all, start: string, end: string) => `${start}\n${rows}\n\n${end}`);
  }
  if (after === before) return null;
  if (values.check) return path;
  writeFileSync(root + path, after);
  return null;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function apiErrors(): string {
  return table(
    ['code', 'status', 'retryable', 'meaning'],
    Object.entries(ERRORS).map(([code, { status, retryable, message }]) => [
      `\`${code}\``,
      String(status),
      yesNo(retryable),
      message,
    ]),
  );
}

function errorCodes(codes: Readonly<Record<string, CatalogueRow>>): string {
  return table(
    ['code', 'retryable', 'what the post does', 'what a person is told'],
    Object.entries(codes).map(([code, row]) => [`\`${code}\``, ...meaning(row)]),
  );
}

function metaCodes(): string {
  const rows = [...Object.entries(META_CODES).toSorted(byNumbers), ...Object.entries(META_NAMES)];
  return table(
    ['Meta’s code', 'code', 'retryable', 'what the post does', 'what a person is told'],
    rows.map(([theirs, row]) => [
      theirs === '200' ? '`200` to `299`' : `\`${theirs}\``,
      `\`${row.code}\``,
      ...meaning(row),
    ]),
  );
}

/** By code, then by subcode; any code (`*`) comes last. */
function byNumbers([a]: [string, MetaRow], [b]: [string, MetaRow]): number {
  const [one, two] = [a, b].map((key) => key.split('/').map((part) => (part === '*' ? 1e9 : Number(part))));
  return (one?.[0] ?? 0) - (two?.[0] ?? 0) || (one?.[1] ?? 0) - (two?.[1] ?? 0);
}

/** Whether a client may send the post again, what the post does by itself, and what is said about it. */
function meaning(row: CatalogueRow & { tries?: number }): string[] {
  return [
    yesNo(row.kind === 'quota' || row.kind === 'unavailable'),
    DOES[row.kind] +
      (row.retryAfterMs === undefined
        ? ''
        : `, ${row.kind === 'quota' ? 'asks again after ' : 'every '}${duration(row.retryAfterMs)}`) +
      (row.tries === undefined ? '' : (THEN[row.kind] ?? '')),
    row.userMessage,
  ];
}

function failReasons(): string {
  return table(
    ['reason', 'retryable', 'what a person is told'],
    Object.entries(FAIL_REASONS).map(([reason, { retryable, userMessage }]) => [
      `\`${reason}\``,
      yesNo(retryable),
      userMessage,
    ]),
  );
}

function duration(ms: number): string {
  if (ms < 60_000) return `${ms / 1000} s`;
  return ms >= 3_600_000 ? `${ms / 3_600_000} h` : `${ms / 60_000} min`;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

const stale = [
  write('docs/api.md', { 'api-errors': apiErrors() }),
  write('docs/providers/tiktok.md', {
    'error-codes': errorCodes(ERROR_CODES),
    'fail-reasons': failReasons(),
  }),
  write('docs/providers/instagram.md', { 'error-codes': metaCodes() }),
  write('docs/providers/threads.md', { 'error-codes': metaCodes() }),
].filter((path) => path !== null);
if (stale.length > 0) {
  console.error(`${stale.join(' and ')} differ from the code. Run "npm run docs" and commit what it writes.`);
  process.exitCode = 1;
}
