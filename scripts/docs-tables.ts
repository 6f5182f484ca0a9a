import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ERRORS } from '../api/error-codes.ts';
import type { CodeTable, FailReason } from '../providers/about.ts';
import type { CatalogueRow, ProviderErrorKind } from '../providers/errors.ts';
import { PLATFORMS } from '../providers/index.ts';

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
  token: ', if no container can be created again',
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

function errorCodes({ head, rows }: CodeTable): string {
  return table(
    [...head, 'retryable', 'effect on the post', 'message for users'],
    rows.map(({ names, meaning }) => [...names.map((name) => `\`${name}\``), ...cellsOf(meaning)]),
  );
}

/** Whether a client may send the post again, what the post does by itself, and what is said about it. */
function cellsOf(row: CatalogueRow & { tries?: number }): string[] {
  return [
    yesNo(row.kind === 'quota' || row.kind === 'unavailable'),
    DOES[row.kind] +
      (row.retryAfterMs === undefined
        ? ''
        : `, ${row.kind === 'quota' ? 'retried after ' : 'every '}${duration(row.retryAfterMs)}`) +
      (row.tries === undefined ? '' : (THEN[row.kind] ?? '')),
    row.userMessage,
  ];
}

function failReasons(reasons: Readonly<Record<string, FailReason>>): string {
  return table(
    ['reason', 'retryable', 'message for users'],
    Object.entries(reasons).map(([reason, { retryable, userMessage }]) => [
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
  ...Object.entries(PLATFORMS).map(([name, { about }]) => {
    const { errorCodes: codes, failReasons: reasons } = about;
    return write(`docs/providers/${name}.md`, {
      'error-codes': errorCodes(codes),
      ...(reasons === undefined ? {} : { 'fail-reasons': failReasons(reasons) }),
    });
  }),
].filter((path) => path !== null);
if (stale.length > 0) {
  console.error(`${stale.join(' and ')} differ from the code. Run "npm run docs" and commit what it writes.`);
  process.exitCode = 1;
}
