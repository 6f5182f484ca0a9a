/** One requested field: `children{id,media_type}`, `comments.limit(5){text}` or only `id`. */
export interface Field {
  name: string;
  sub: Field[] | null;
  /** Of `replies.limit(5){id}`. */
  limit?: number;
}

/** A list behind a field that has more than one page; `paging` describes the page that ends with this node. */
export interface Edge {
  size: number;
  paging: (page: GraphNode[], isLast: boolean) => object;
}

/** Objects behind a field that are expanded like nodes; a list is answered as `{"data":[...]}`. */
export class Nested {
  readonly type: string;
  readonly nodes: GraphNode | GraphNode[];
  /** The fields of an answer that does not expand it. */
  readonly defaults: string[];
  readonly edge: Edge | undefined;

  constructor(type: string, nodes: GraphNode | GraphNode[], defaults: string[] = ['id'], edge?: Edge) {
    this.type = type;
    this.nodes = nodes;
    this.defaults = defaults;
    this.edge = edge;
  }
}

/** All fields that a request may name. `undefined` is known and left out of the answer: absent, never null. */
export type GraphNode = Record<string, unknown>;
type OnUnknown = (field: string, type: string) => never;

export function parseFields(text: string | null): Field[] | null {
  if (text === null || text.trim() === '') return null;
  const [fields, rest] = readList(text);
  return rest === '' ? fields : [{ name: rest, sub: null }];
}

function readList(text: string): [Field[], string] {
  const fields: Field[] = [];
  let rest = text;
  for (;;) {
    const [all, name, modifiers] = /^\s*([^,{}()]*?)((?:\.\w+\([^)]*\))*)\s*(?=[,{}]|$)/.exec(rest) ?? [];
    if (all === undefined || name === undefined) return [fields, rest];
    rest = rest.slice(all.length);
    let sub: Field[] | null = null;
    if (rest.startsWith('{')) {
      const [inner, after] = readList(rest.slice(1));
      if (!after.startsWith('}')) return [fields, rest];
      sub = inner;
      rest = after.slice(1);
    }
    const [, limit] = /\.limit\((\d+)\)/.exec(modifiers ?? '') ?? [];
    if (name !== '') fields.push({ name, sub, ...(limit === undefined ? {} : { limit: Number(limit) }) });
    if (!rest.startsWith(',')) return [fields, rest];
    rest = rest.slice(1);
  }
}

/** Only the requested fields, and always the id. */
export function select(node: GraphNode, type: string, fields: Field[], onUnknown: OnUnknown): GraphNode {
  const answer: GraphNode = {};
  for (const { name, sub, limit } of fields) {
    if (!(name in node)) onUnknown(name, type);
    const value = node[name];
    if (value === undefined) continue;
    answer[name] = value instanceof Nested ? expand(value, sub, limit, onUnknown) : value;
  }
  if (node['id'] !== undefined) answer['id'] = node['id'];
  return answer;
}

function expand(
  { type, nodes, defaults, edge }: Nested,
  sub: Field[] | null,
  limit: number | undefined,
  onUnknown: OnUnknown,
): unknown {
  const fields = sub ?? plain(defaults);
  if (!Array.isArray(nodes)) return select(nodes, type, fields, onUnknown);
  const page = edge === undefined ? nodes : nodes.slice(0, Math.min(limit ?? edge.size, edge.size));
  const data = page.map((node) => select(node, type, fields, onUnknown));
  return {
    data,
    ...(edge && page.length > 0 ? { paging: edge.paging(page, page.length === nodes.length) } : {}),
  };
}

export function plain(names: string[]): Field[] {
  return names.map((name) => ({ name, sub: null }));
}
