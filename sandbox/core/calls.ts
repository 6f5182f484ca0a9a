type Counts = Map<string, number>;

/** How often clients called each endpoint. Unlike the request log it forgets nothing, and it keeps numbers only. */
export class CallCounts {
  #all: Counts = new Map();
  #byAccount = new Map<string, Counts>();

  /** `names`: the endpoint, and its variant if it has one. `account`: whose token the request had, if any. */
  add(names: string[], account: string | null): void {
    count(this.#all, names);
    if (account === null) return;
    const own = this.#byAccount.get(account) ?? new Map<string, number>();
    this.#byAccount.set(account, own);
    count(own, names);
  }

  /** An endpoint's number contains those of its variants (`endpoint:variant`); `total` counts each request once. */
  report(account: string | null): { counts: Record<string, number>; total: number } {
    const counts = (account === null ? this.#all : this.#byAccount.get(account)) ?? new Map<string, number>();
    const whole = [...counts].filter(([name]) => !name.includes(':'));
    return { counts: Object.fromEntries(counts), total: whole.reduce((sum, [, calls]) => sum + calls, 0) };
  }

  clear(): void {
    this.#all = new Map();
    this.#byAccount = new Map();
  }
}

function count(counts: Counts, names: string[]): void {
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
}
