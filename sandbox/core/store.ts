import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';

const DEBOUNCE_MS = 50;

/** Named sections of plain JSON, mutated in place and written as one snapshot. Without a folder: memory only. */
export class Store {
  readonly #file: string | undefined;
  readonly #loaded: Map<string, unknown>;
  readonly #sections = new Map<string, unknown>();
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = DEBOUNCE_MS;

  constructor(dir?: string) {
    if (dir !== undefined) mkdirSync(dir, { recursive: true });
    this.#file = dir === undefined ? undefined : join(dir, 'sandbox.json');
    this.#loaded = this.#file === undefined ? new Map() : load(this.#file);
  }

  section<S extends TSchema>(name: string, schema: S, initial: Static<S>): Static<S> {
    const found = Value.Default(schema, this.#loaded.get(name) ?? initial);
    if (!Value.Check(schema, found)) {
      throw new Error(
        `${this.#file}: section ${name} does not fit this version; delete the file to start afresh`,
      );
    }
    this.#sections.set(name, found);
    return found;
  }

  touch(): void {
    if (this.#file === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.flush(), this.#pauseMs);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#file === undefined) return;
    const startedAt = performance.now();
    writeFileSync(`${this.#file}.tmp`, JSON.stringify(Object.fromEntries(this.#sections)));
    renameSync(`${this.#file}.tmp`, this.#file);
    // A large state is written less often, so that saving takes only a few percent of the time.
    this.#pauseMs = Math.max(DEBOUNCE_MS, 20 * (performance.now() - startedAt));
  }
}

function load(file: string): Map<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw error;
  }
  const parsed: unknown = JSON.parse(text);
  return new Map(Object.entries(parsed ?? {}));
}
