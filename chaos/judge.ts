import type { ProviderName } from '../providers/provider.ts';
import type { Kind } from './offence.ts';
import type { Offered } from './offer.ts';
import { type Content, partText } from '../test/drivers/chaos.ts';
import type { Made } from '../test/drivers/sandbox.ts';

/** How a post has ended. */
export interface Outcome {
  provider: ProviderName;
  state: string;
}

/** A post as our database has it. */
export interface PostRow extends Outcome {
  id: string;
  publishId: string | null;
  providerPostId: string | null;
  errorCode: string | null;
  /** Publish ids that its attempts brought. */
  refs: string[];
}

const FINAL = ['published', 'delivered', 'failed', 'cancelled', 'unknown'];

/** By its text, by the URLs that it was pulled from, or by an id that an attempt brought. */
export function belongs({ id, text, urls }: Made, post: PostRow, { title, plan }: Offered): boolean {
  return (
    partOf(text, title, plan.content.replies) !== null ||
    urls.some((url) => url.includes(`/${title}/`)) ||
    id === post.publishId ||
    post.refs.includes(id)
  );
}

/** Which post of a chain has this text. */
function partOf(text: string, title: string, replies: number): number | null {
  for (let part = 0; part <= replies; part += 1) if (text === partText(title, part)) return part;
  return null;
}

/** Everything that is wrong with one post. */
export function judge(one: Offered, post: PostRow, mine: readonly Made[]): [Kind, string][] {
  const wrong: [Kind, string][] = [];
  const { content, cancelAfterMs } = one.plan;
  const live = mine.filter((made) => made.live);
  // What has no text is the first of its chain, and alone.
  const parts = new Set(live.map(({ text }) => partOf(text, one.title, content.replies) ?? 0));
  const statuses = mine.map(({ status }) => status).join(', ');
  if (live.length > parts.size) wrong.push(['duplicate', `${live.length} live publishes: ${statuses}`]);
  if (!FINAL.includes(post.state)) wrong.push(['loss', `still ${post.state}`]);
  if (one.cancelled && post.state !== 'cancelled')
    wrong.push(['mismatch', `the API said cancelled, but it is ${post.state}`]);
  const missing = content.replies + 1 - parts.size;
  const partly = post.errorCode === 'partly_published';
  switch (post.state) {
    case 'published':
    case 'delivered':
      if (missing > 0) wrong.push(['loss', `${post.state}, but ${missing} are not live (${statuses})`]);
      else if (!live.some(({ id }) => id === post.publishId))
        wrong.push(['mismatch', `${live[0]?.id} is live, but the post names ${post.publishId}`]);
      if (post.providerPostId !== null && !live.some(isNamed(post)))
        wrong.push(['mismatch', `the post says it is ${post.providerPostId}, which is another one`]);
      if (post.state !== content.ends)
        wrong.push(['mismatch', `${post.state}, but it was to be ${content.ends}`]);
      break;
    case 'failed':
    case 'cancelled':
      if (live.length > 0 !== partly) wrong.push(['mismatch', `${post.state}, but ${live.length} are live`]);
      if (post.state === 'failed' && !mine.some(({ refused }) => refused) && !isMissing(content))
        wrong.push(['loss', `failed (${post.errorCode}), although the provider never refused it`]);
      if (post.state === 'cancelled' && cancelAfterMs === null) wrong.push(['loss', 'cancelled by nobody']);
      break;
    default:
  }
  for (const made of live) {
    const sent = (partOf(made.text, one.title, content.replies) ?? 0) === 0 ? one.sha256s : [];
    if (!sameBytes(made, sent)) wrong.push(['mismatch', `other bytes arrived than were sent: ${made.id}`]);
  }
  return wrong;
}

const isNamed =
  ({ publishId, providerPostId }: PostRow) =>
  ({ id, postIds }: Made): boolean =>
    id === publishId && postIds.some((postId) => postId === providerPostId);

const isMissing = ({ files }: Content): boolean =>
  files.some((file) => file.from === 'url' && file.missing === true);

const sameBytes = ({ sha256s }: Made, sent: readonly string[]): boolean =>
  sha256s.length === sent.length && sha256s.every((one, index) => one === sent[index]);
