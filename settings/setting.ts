/** The environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One setting, as Everpost reads it and `.env.example` describes it. */
export interface Setting {
  name: string;
  /** Other accepted names; the first one that is set wins. */
  aliases?: readonly string[];
  /** The default, as shown in `.env.example`. */
  fallback: string;
  about: string;
}

/** The names of settings listed `as const`. */
export type NameIn<Settings extends readonly Setting[]> = Settings[number]['name'];

/** Every name and alias of these settings. */
export function namesOf(settings: readonly Setting[]): string[] {
  return settings.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
}
