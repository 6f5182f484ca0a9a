import type { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from './names.ts';

/*
 * Everpost's requirements on a Temporal server. Every worker ensures them at its start; repeating it changes nothing.
 */

/** Registers our search attributes. @throws ServiceError if only the server's operators may do that */
export async function ensureSearchAttributes(client: Client): Promise<void> {
  const { operatorService } = client.connection;
  const { customAttributes } = await operatorService.listSearchAttributes({
    namespace: client.options.namespace,
  });
  const missing = SEARCH_ATTRIBUTES.filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  await operatorService.addSearchAttributes({
    namespace: client.options.namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name }) => [name, KEYWORD])),
  });
}

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
