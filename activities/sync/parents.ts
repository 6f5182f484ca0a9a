import type { Db } from '../../db/client.ts';
import { unknownParent } from '../../db/sync/parents.ts';
import type { DueSubject } from '../../db/sync/subjects.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { Page, Stream } from '../../providers/reading.ts';
import type { Reader } from './reader.ts';

/* A reply may name a comment that no list shows: it is asked for by its id, and stored before the reply. */

/** With one page; the next read of the media asks for more. */
const MOST = 10;
/** A comment that the platform does not tell by id either is asked for so often: one refusal may be a flake. */
const TRIES = 3;
/** So many of them are remembered for each media. */
const MOST_ABSENT = 200;

/** A page with the comments that its replies name. */
export interface WholePage {
  page: Page;
  /** How often comments were asked for that the platform does not tell by id either. */
  absent: Readonly<Record<string, number>>;
}

/** Adds the comments that replies below a media name, and that have no copy. @throws ProviderError */
export async function withParents(
  db: Db,
  reader: Reader,
  stream: Stream,
  { line, subject }: DueSubject,
  read: Page,
): Promise<WholePage> {
  const { comments } = reader.copies;
  const { reading } = reader;
  const absent = new Map(Object.entries(line.progress.absent ?? {}));
  const column = comments?.repliesTo;
  if (stream.holds !== 'comments' || reading.readComment === undefined || column === undefined)
    return { page: read, absent: {} };
  const asked = new Set<string>();
  const givenUp = [...absent].filter(([, tries]) => tries >= TRIES).map(([key]) => key);
  let page = read;
  while (asked.size < MOST) {
    const parent = await unknownParent(db, reader.account.id, reader.copies, {
      mediaId: subject.id,
      told: page.items.flatMap(({ values }) => textOf(values[column])),
      // At the end of the list: what events told, and what earlier pages left.
      copied: read.next === null,
      except: [...page.items.map(({ id }) => id), ...givenUp, ...asked],
    });
    if (parent === null) break;
    asked.add(parent);
    const answer = await unlessOfOne(reading.readComment(parent, subject, reader.call));
    if (answer === null || answer.items.length === 0) absent.set(parent, (absent.get(parent) ?? 0) + 1);
    page = {
      ...page,
      items: [...(answer?.items ?? []), ...page.items],
      calls: page.calls + (answer?.calls ?? 1),
      usage: answer?.usage ?? page.usage,
    };
  }
  return { page, absent: Object.fromEntries([...absent].slice(-MOST_ABSENT)) };
}

const textOf = (value: unknown): string[] => (typeof value === 'string' ? [value] : []);

/** A failure that concerns one comment only keeps no page from being stored. */
async function unlessOfOne(answer: Promise<Page>): Promise<Page | null> {
  try {
    return await answer;
  } catch (error) {
    const isOfOne =
      error instanceof ProviderError && ['gone', 'unavailable', 'rejected'].includes(error.kind);
    if (isOfOne) return null;
    throw error;
  }
}
