/** What a process was started with, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One setting, as it is read and as `.env.example` describes it. */
export interface Setting {
  name: string;
  /** Other names that are understood, first one wins. */
  aliases?: readonly string[];
  /** Shown in `.env.example`; what happens without it. */
  fallback: string;
  about: string;
}

/** The names of settings that are listed `as const`. */
export type NameIn<Settings extends readonly Setting[]> = Settings[number]['name'];

/** Every name that these settings are read from. */
export function namesOf(settings: readonly Setting[]): string[] {
  return settings.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
}
