import type { Environment, Setting } from './setting.ts';

/** Reads settings. A reader reports a problem and goes on, so that one message names all problems. */
export interface Reader<Name extends string = string> {
  /** A setting's text without surrounding white space; its default if it is not set. */
  value: (name: Name) => string;
  /**
   * Reports a problem that keeps Everpost from starting: starts with the setting's name and never includes its value.
   */
  problem: (text: string) => void;
  /** Reports a setting that has no effect or may be a mistake. */
  warning: (text: string) => void;
}

/**
 * Creates the reader of these settings.
 * @param found problems found earlier
 * @returns the reader, and the lists of its reports
 */
export function createReader(
  env: Environment,
  settings: readonly Setting[],
  found: readonly string[],
): { read: Reader; problems: string[]; warnings: string[] } {
  const problems = [...found];
  const warnings: string[] = [];
  const read: Reader = {
    value: (name) => valueOf(env, settings, name),
    problem: (text) => void problems.push(text),
    warning: (text) => void warnings.push(text),
  };
  return { read, problems, warnings };
}

function valueOf(env: Environment, settings: readonly Setting[], name: string): string {
  const setting = settings.find((candidate) => candidate.name === name);
  if (setting === undefined) throw new Error(`no setting is described by the name ${name}`);
  for (const candidate of [name, ...(setting.aliases ?? [])]) {
    const value = env[candidate]?.trim();
    if (value !== undefined && value !== '') return value;
  }
  return setting.fallback;
}
