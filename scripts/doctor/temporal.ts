import { Client, Connection } from '@temporalio/client';
import type { TemporalSettings } from '../../settings/temporal.ts';
import { SEARCH_ATTRIBUTES, TASK_QUEUE } from '../../temporal/names.ts';
import { failure, ok, warning, type Finding } from './check.ts';
import { clockFinding } from './clock.ts';

const CALL_MS = 8_000;
/** A worker asks for work at least this often. */
const POLLED_WITHIN_MS = 90_000;
/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
/** grpc.status */
const NOT_FOUND = 5;
const REFUSED = [7, 16];

/** Namespace, search attributes and workers of the Temporal server, and its clock. */
export async function examineTemporal({
  connectionOptions,
  namespace,
}: TemporalSettings): Promise<Finding[]> {
  const address = connectionOptions.address ?? 'localhost:7233';
  const connection = Connection.lazy(connectionOptions);
  const client = new Client({ connection, namespace });
  try {
    await connection.withDeadline(Date.now() + CALL_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return [
      ok(`Temporal at ${address} has the namespace ${namespace}`),
      ...(await searchAttributes(client)),
      ...(await workers(client)),
    ];
  } catch (error) {
    return [failure(unusable(error, address, namespace))];
  } finally {
    await connection.close();
  }
}

function unusable(error: unknown, address: string, namespace: string): string {
  const code = error instanceof Error && 'code' in error ? Number(error.code) : -1;
  if (code === NOT_FOUND)
    return `Temporal at ${address} has no namespace ${namespace}: temporal operator namespace create --namespace ${namespace} --retention 7d`;
  if (REFUSED.includes(code))
    return `Temporal at ${address} refuses us: check TEMPORAL_API_KEY, or the client certificate`;
  return `Temporal does not answer at ${address}: check TEMPORAL_ADDRESS and TEMPORAL_TLS, and that the server is up`;
}

async function searchAttributes(client: Client): Promise<Finding[]> {
  const names = SEARCH_ATTRIBUTES.map(({ name }) => name);
  try {
    const { customAttributes } = await client.connection.withDeadline(Date.now() + CALL_MS, () =>
      client.connection.operatorService.listSearchAttributes({ namespace: client.options.namespace }),
    );
    const wrong = names.filter((name) => (customAttributes[name] ?? KEYWORD) !== KEYWORD);
    const missing = names.filter((name) => !(name in customAttributes));
    if (wrong.length > 0)
      return [
        failure(`search attributes are not of type Keyword: ${wrong.join(', ')}; remove and add them again`),
      ];
    return missing.length === 0
      ? [ok('the search attributes are there')]
      : [
          warning(
            `search attributes are missing: ${missing.join(', ')}; workers register them at their start where they may, else see docs/operations.md`,
          ),
        ];
  } catch {
    return [
      warning(
        `the search attributes cannot be read; make sure that these are there, type Keyword: ${names.join(', ')}`,
      ),
    ];
  }
}

async function workers(client: Client): Promise<Finding[]> {
  const { pollers } = await client.connection.withDeadline(Date.now() + CALL_MS, () =>
    client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: TASK_QUEUE },
    }),
  );
  const last = Math.max(
    0,
    ...pollers.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000),
  );
  if (last < Date.now() - POLLED_WITHIN_MS)
    return [warning('no worker asks for work: start one (npm run start:worker)')];
  // Only a poll from the future proves something about clocks.
  return [
    ok('workers ask for work'),
    ...(last > Date.now() ? [clockFinding('Temporal', last - Date.now())] : []),
  ];
}
