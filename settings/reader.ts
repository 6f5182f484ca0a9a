import type { Environment, Setting } from './setting.ts';

/** How settings are read: a reader of some of them reports what is wrong, and goes on, so that one message names all problems. */
export interface Reader<Name extends string = string> {
  /** The text of a setting without white space around it; its default where it is not set. */
  value: (name: Name) => string;
  /** Reports what keeps Everpost from starting: begins with the setting's name, and never has its value. */
  problem: (text: string) => void;
  /** Reports what does nothing, or may be a mistake. */
  warning: (text: string) => void;
}

/**
 * Makes the reader of these settings.
 * @param found problems that come first
 * @returns the reader, and the lists to which it adds what is reported
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
