import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import type { TemporalSettings } from '../../settings/temporal.ts';
import { SEARCH_ATTRIBUTES, SWEEP_ID } from '../../temporal/names.ts';
import { checkNamespace, NamespaceTaken } from '../../temporal/namespace.ts';
import { lastPolls } from '../../temporal/pollers.ts';
import { failure, ok, warning, type Finding } from './check.ts';
import { temporalClock } from './clock.ts';

/** The SDK's default without TEMPORAL_ADDRESS. */
const UNSET = 'localhost:7233';
const CALL_MS = 8_000;
/** A worker polls at least this often. */
const POLLED_WITHIN_MS = 90_000;
/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
/** temporal.api.enums.v1.NamespaceState */
const DELETED = 3;
/** grpc.status */
const NOT_FOUND = 5;
const REFUSED = [7, 16];

/**
 * Checks the namespace, search attributes and workers of the Temporal server, and its clock.
 * @param installation the installation's id; null if it cannot be read, or there is none yet
 */
export async function examineTemporal(
  { connectionOptions, namespace }: TemporalSettings,
  installation: Promise<string | null>,
): Promise<Finding[]> {
  const { address = UNSET } = connectionOptions;
  const place =
    connectionOptions.address === undefined ? `${address} (TEMPORAL_ADDRESS is not set)` : address;
  const connection = Connection.lazy(connectionOptions);
  const client = new Client({ connection, namespace });
  try {
    const id = await installation;
    return await connection.withDeadline(Date.now() + CALL_MS, async () => {
      const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
      if (Number(namespaceInfo?.state) === DELETED)
        return [
          failure(`the namespace ${namespace} is being deleted: set TEMPORAL_NAMESPACE to another one`),
        ];
      const there = ok(`Temporal at ${place} has the namespace ${namespace}`);
      return [there, ...(await examineNamespace(client, address, id))];
    });
  } catch (error) {
    return [failure(unusable(error, { address, place }, namespace))];
  } finally {
    await connection.close();
  }
}

async function examineNamespace(
  client: Client,
  address: string,
  installation: string | null,
): Promise<Finding[]> {
  const sweeps = await nextSweeps(client);
  const polls = await lastPolls(client);
  return [
    ...(await ownership(client, installation)),
    ...(await searchAttributes(client, address, sweeps !== null)),
    workers(polls),
    ...temporalClock(Math.max(polls.workflows, polls.activities), sweeps ?? []),
  ];
}

function unusable(
  error: unknown,
  { address, place }: { address: string; place: string },
  namespace: string,
): string {
  const code = error instanceof Error && 'code' in error ? Number(error.code) : -1;
  if (code === NOT_FOUND)
    return `Temporal at ${place} has no namespace ${namespace}: temporal operator namespace create --address ${address} --namespace ${namespace} --retention 7d`;
  if (REFUSED.includes(code))
    return `Temporal at ${place} refuses us: check TEMPORAL_API_KEY or the client certificate, and that it may use the namespace ${namespace}`;
  return `Temporal does not answer at ${place}: check TEMPORAL_ADDRESS and TEMPORAL_TLS, and that the server is up${lastError(error)}`;
}

/** The connection's error, in the words of the system or of OpenSSL. */
function lastError(error: unknown): string {
  const details = error instanceof Error && 'details' in error ? String(error.details) : '';
  const [, words] = /Last error: (?:Error: )?([^\n]{1,200})/.exec(details) ?? [];
  return words === undefined ? '' : ` (${words})`;
}

/** The next starts of the sweep, by Temporal's clock; null if nobody has claimed the namespace yet. */
async function nextSweeps(client: Client): Promise<Date[] | null> {
  try {
    return (await client.schedule.getHandle(SWEEP_ID).describe()).info.nextActionTimes;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

async function ownership(client: Client, installation: string | null): Promise<Finding[]> {
  if (installation === null) return [];
  try {
    await checkNamespace(client, installation);
    return [];
  } catch (error) {
    if (error instanceof NamespaceTaken) return [failure(error.message)];
    throw error;
  }
}

/** @param used whether a process has worked in the namespace, which registers them if it may */
async function searchAttributes(client: Client, address: string, used: boolean): Promise<Finding[]> {
  const names = SEARCH_ATTRIBUTES.map(({ name }) => name);
  const { namespace } = client.options;
  const add = (missing: readonly string[]): string =>
    missing
      .map(
        (name) =>
          `temporal operator search-attribute create --address ${address} --namespace ${namespace} --name ${name} --type Keyword`,
      )
      .join(' && ');
  try {
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
    const wrong = names.filter((name) => (customAttributes[name] ?? KEYWORD) !== KEYWORD);
    const missing = names.filter((name) => !(name in customAttributes));
    if (wrong.length > 0)
      return [
        failure(`search attributes are not of type Keyword: ${wrong.join(', ')}; remove and add them again`),
      ];
    if (missing.length === 0) return [ok('the search attributes are there')];
    const what = `search attributes are missing: ${missing.join(', ')}; a worker registers them at its start where it may`;
    return [used ? failure(`${what}, else: ${add(missing)}`) : warning(`${what}, else: ${add(missing)}`)];
  } catch {
    return [
      warning(
        `the search attributes cannot be read; make sure that these are there, type Keyword: ${names.join(', ')}`,
      ),
    ];
  }
}

function workers({ workflows, activities }: Awaited<ReturnType<typeof lastPolls>>): Finding {
  return Math.min(workflows, activities) < Date.now() - POLLED_WITHIN_MS
    ? warning('no worker asks for work: start one (npm run start:worker)')
    : ok('workers ask for work');
}
