import { ProviderError } from '../errors.ts';
import { id } from '../json.ts';
import type { Confirmed, ReadCall } from '../reading.ts';
import type { Usage } from '../../reading.ts';
import type { Reads } from './read.ts';

/** Asks for posts and replies by id; then for the control, which proves that such a question is answered at all. */
export async function confirmByIds(
  reads: Reads,
  ids: readonly string[],
  control: string,
  call: ReadCall,
): Promise<Confirmed> {
  let usage: Usage | null = null;
  const ask = async (one: string): Promise<'here' | 'gone' | 'unsure'> => {
    try {
      const told = await reads.thing(call, `/${encodeURIComponent(one)}`, { fields: 'id' });
      usage = told.usage ?? usage;
      return id(told.body['id']) === one ? 'here' : 'unsure';
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.kind === 'gone') return 'gone';
      if (error.kind === 'unavailable' || error.kind === 'rejected') return 'unsure';
      throw error;
    }
  };
  const answers = new Map<string, 'here' | 'gone' | 'unsure'>();
  for (const one of ids) answers.set(one, await ask(one));
  const isProof = (await ask(control)) === 'here';
  return {
    answers: new Map([...answers].map(([one, said]) => [one, said === 'gone' && !isProof ? 'unsure' : said])),
    calls: ids.length + 1,
    usage,
  };
}
