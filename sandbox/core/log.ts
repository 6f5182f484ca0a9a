import type { IncomingHttpHeaders } from 'node:http';

export interface LogEntry {
  at: string;
  endpoint: string;
  /** Whose token it was, if the provider knows it. */
  account: string | null;
  method: string;
  path: string;
  status: number | null;
  headers: Record<string, string>;
  body: unknown;
  fault?: string;
  note?: string;
}

const CAP = 5_000;
const KEPT_HEADERS = [
  'authorization',
  'cache-control',
  'content-length',
  'content-range',
  'content-type',
  'file_size',
  'file_url',
  'offset',
  'user-agent',
];

/** Every request of a provider's client, secrets included: they are all fake. Kept in memory only. */
export class RequestLog {
  #entries: LogEntry[] = [];

  add(entry: Omit<LogEntry, 'headers' | 'status'>, headers: IncomingHttpHeaders): LogEntry {
    const kept = KEPT_HEADERS.flatMap((name) => (headers[name] ? [[name, String(headers[name])]] : []));
    const added: LogEntry = { ...entry, status: null, headers: Object.fromEntries(kept) };
    this.#entries.push(added);
    if (this.#entries.length > CAP) this.#entries.shift();
    return added;
  }

  list(endpoint: string | null): LogEntry[] {
    return endpoint === null ? this.#entries : this.#entries.filter((entry) => entry.endpoint === endpoint);
  }

  clear(): void {
    this.#entries = [];
  }
}
