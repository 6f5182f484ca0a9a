import { PROVIDER_NAMES } from '../providers/provider.ts';
import { countKills } from './faults.ts';
import type { RoundResult } from './round.ts';
import { ROLES } from './roles.ts';

const COLUMNS = ['published', 'delivered', 'failed', 'cancelled', 'unknown'] as const;

/** One line for each round, and their sum. */
export function table(results: readonly RoundResult[]): string {
  return aligned([
    [
      'seed',
      'publishes',
      ...COLUMNS,
      'kills',
      ...ROLES,
      'backends',
      'faults',
      'died by themselves',
      'strays',
      'copies',
      'replies',
      'duplicates',
      'losses',
      'mismatches',
      'seconds',
    ],
    ...results.map((result) => row(String(result.seed), result)),
    ...(results.length > 1 ? [row('all', sum(results))] : []),
  ]);
}

/** How the posts of each provider ended. */
export function byProvider(results: readonly RoundResult[]): string {
  const { outcomes } = sum(results);
  return aligned([
    ['provider', 'publishes', ...COLUMNS],
    ...PROVIDER_NAMES.map((name) => {
      const mine = outcomes.filter(({ provider }) => provider === name);
      const counts = COLUMNS.map((state) => mine.filter((one) => one.state === state).length);
      return [name, ...[mine.length, ...counts].map(String)];
    }),
  ]);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  return rows
    .map((cells) => cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '))
    .join('\n');
}

function row(
  name: string,
  {
    publishes,
    outcomes,
    kills,
    killed,
    backends,
    faults,
    died,
    strays,
    copies,
    answers,
    counts,
    seconds,
  }: Omit<RoundResult, 'seed'>,
): string[] {
  return [
    name,
    ...[
      publishes,
      ...COLUMNS.map((state) => outcomes.filter((one) => one.state === state).length),
      kills,
      ...ROLES.map((role) => killed[role]),
      backends,
      faults,
      died,
      strays,
      copies,
      answers,
      counts.duplicate,
      counts.loss,
      counts.mismatch,
      seconds,
    ].map(String),
  ];
}

function sum(results: readonly RoundResult[]): Omit<RoundResult, 'seed'> {
  const add = (of: (result: RoundResult) => number): number =>
    results.reduce((total, one) => total + of(one), 0);
  return {
    publishes: add(({ publishes }) => publishes),
    outcomes: results.flatMap(({ outcomes }) => outcomes),
    kills: add(({ kills }) => kills),
    killed: countKills((role) => add(({ killed }) => killed[role])),
    backends: add(({ backends }) => backends),
    faults: add(({ faults }) => faults),
    died: add(({ died }) => died),
    strays: add(({ strays }) => strays),
    copies: add(({ copies }) => copies),
    answers: add(({ answers }) => answers),
    counts: {
      duplicate: add(({ counts }) => counts.duplicate),
      loss: add(({ counts }) => counts.loss),
      mismatch: add(({ counts }) => counts.mismatch),
    },
    seconds: add(({ seconds }) => seconds),
    problems: [],
  };
}
