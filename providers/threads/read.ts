import { text, record } from '../json.ts';
import { readOnce, rowsOf, type Told } from '../meta/reads.ts';
import type { ReadCall } from '../reading.ts';
import { THREADS, type ThreadsSettings } from './client.ts';

type Params = Readonly<Record<string, string>>;
type Json = Readonly<Record<string, unknown>>;

/** One page of a list. */
interface ListPage extends Pick<Told, 'usage'> {
  rows: Json[];
  /** Where the list goes on; null: its end. */
  after: string | null;
}

/** Reads of the Threads API. Each is one call. @throws ProviderError */
export function createReads({ graphUrl }: ThreadsSettings) {
  const base = `${graphUrl}/v1.0`;
  const address = ({ accessToken, signal }: ReadCall, path: string, params: Params) => ({
    base,
    path,
    params,
    accessToken,
    signal,
  });

  return {
    /** @throws ProviderError `gone` if there is no such thing */
    thing: (call: ReadCall, path: string, params: Params): Promise<Told> =>
      readOnce(THREADS, address(call, path, params), 'thing'),

    async list(
      call: ReadCall,
      path: string,
      { after, ...params }: Params & { after?: string },
    ): Promise<ListPage> {
      const sent = after === undefined ? params : { ...params, after };
      const about = after === undefined ? 'thing' : 'list';
      const { body, usage } = await readOnce(THREADS, address(call, path, sent), about);
      const rows = rowsOf(THREADS, body);
      const next = text(record(record(body['paging'])?.['cursors'])?.['after']);
      // The only signs of an end: neither an empty page nor a missing link is one (threads-facts 6.1).
      return { rows, after: next === after ? null : next, usage };
    },
  };
}

export type Reads = ReturnType<typeof createReads>;
