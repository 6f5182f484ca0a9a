import { sql } from 'drizzle-orm';
import type { Json, World } from './world.ts';

/* The places where a secret must not be, and the forms it could have there. */

export interface Place {
  name: string;
  content: Buffer;
}

/** Every row of every table, as text and with its bytea columns as raw bytes. */
export async function tables(world: World): Promise<Place[]> {
  const { db } = world.database;
  const names: Json[] = await db.execute(
    sql`select table_schema, table_name from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')`,
  );
  return Promise.all(
    names.map(async ({ table_schema: schema, table_name: table }) => {
      const rows: Json[] = await db.execute(
        sql`select row_to_json(t)::text as row from ${sql.identifier(schema)}.${sql.identifier(table)} t`,
      );
      const text = rows.map(({ row }) => row).join('\n');
      const bytes = text.matchAll(/\\\\x([0-9a-f]*)"/g).map(([, hex = '']) => Buffer.from(hex, 'hex'));
      return {
        name: `table ${schema}.${table}`,
        content: Buffer.concat([Buffer.from(text), ...bytes]),
      };
    }),
  );
}

/** Every workflow of the namespace, raw: its events, description, memo, search attributes and details. */
export async function histories(world: World): Promise<Place[]> {
  const { workflowService } = world.connection;
  const namespace = world.name;
  const places: Place[] = [];
  for await (const { workflowId, runId } of world.temporal.workflow.list()) {
    const execution = { workflowId, runId };
    const parts: unknown[] = [await workflowService.describeWorkflowExecution({ namespace, execution })];
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const page = await workflowService.getWorkflowExecutionHistory({ namespace, execution, nextPageToken });
      parts.push(page.history);
      ({ nextPageToken } = page);
    } while (nextPageToken.length > 0);
    places.push({ name: `history of ${workflowId}`, content: bytesOf(parts) });
  }
  return places;
}

/** All texts and bytes of a protobuf message: names, values, and payloads decoded. */
function bytesOf(message: unknown): Buffer {
  const parts: Buffer[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string') parts.push(Buffer.from(value));
    else if (value instanceof Uint8Array) parts.push(Buffer.from(value));
    else if (typeof value === 'object' && value !== null)
      for (const [name, inner] of Object.entries(value)) {
        parts.push(Buffer.from(name));
        walk(inner);
      }
  };
  walk(message);
  return Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\n')]));
}

/** The possible forms of a secret: raw, in hex, in base64 at any offset, in a URL. */
export function formsOf(value: string | Buffer): Buffer[] {
  const raw = Buffer.from(value);
  const base64 = [0, 1, 2].flatMap((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), raw]);
    // The first and the last characters also contain bits of the text around the secret.
    const start = offset === 0 ? 0 : offset + 1;
    const end = Math.floor((shifted.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => shifted.toString(encoding).slice(start, end));
  });
  const hex = raw.toString('hex');
  const texts = [hex, hex.toUpperCase(), ...base64];
  if (typeof value === 'string') texts.push(encodeURIComponent(value), JSON.stringify(value).slice(1, -1));
  return [raw, ...[...new Set(texts)].map((text) => Buffer.from(text))];
}
