import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT } from '../stack/checkout.ts';

const FILE = join(ROOT, 'docs/performance.md');

/** One row of the table. */
export interface Row {
  name: string;
  measured: string;
  /** The same work in the same run by a program that does nothing else. */
  floor?: string;
  ratio?: number;
  budget?: string;
  ok?: boolean;
}

const HEADINGS = ['', 'measured', 'floor', 'ratio', 'budget', 'within'] as const;

/** The rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ name, measured, floor, ratio, budget, ok }) => [
    name,
    measured,
    floor ?? '',
    ratio?.toFixed(2) ?? '',
    budget ?? '',
    ok === undefined ? '' : ok ? 'yes' : '**no**',
  ]);
  return [HEADINGS, HEADINGS.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Where and how it was measured; the load of the minute before shows whether the machine had other work. */
export function circumstances(command: string, loadBefore: number): string {
  const [cpu] = cpus();
  return [
    `\`${command}\`, ${new Date().toISOString().slice(0, 10)}`,
    `${cpu?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 1e9)} GB`,
    `${type()} ${release()}, Node.js ${process.versions.node}`,
    `load average ${loadBefore.toFixed(1)} before, ${(loadavg()[0] ?? 0).toFixed(1)} after`,
  ].join('; ');
}

/** Writes a bench's table between its marks in docs/performance.md. */
export function write(bench: string, text: string): void {
  const { before, after } = place(bench);
  writeFileSync(FILE, `${before}\n\n${text}\n\n${after}`);
}

/** The page before and after a bench's table, with its marks. @throws Error if the page has no marks for it */
export function place(bench: string): { before: string; after: string } {
  const [begin, end] = [`<!-- bench: ${bench} -->`, `<!-- end: ${bench} -->`];
  const page = readFileSync(FILE, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`docs/performance.md has no ${begin} ... ${end}`);
  return { before: page.slice(0, from + begin.length), after: page.slice(to) };
}
