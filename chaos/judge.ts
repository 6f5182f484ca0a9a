import type { Kind } from './offence.ts';
import type { Offered } from './offer.ts';

/** A publish at the sandbox. */
export interface Made {
  id: string;
  openId: string;
  mode: string;
  source: string;
  status: string;
  postInfo: { title?: string };
  urls: string[];
  /** Of what was uploaded. */
  sha256: string | null;
  /** What was pulled. */
  files: { url: string; sha256: string }[];
}

/** A post as our database has it. */
export interface PostRow {
  id: string;
  state: string;
  publishId: string | null;
  /** Publish ids that its attempts brought. */
  refs: string[];
}

export const FINAL = ['published', 'delivered', 'failed', 'cancelled', 'unknown'];

/** Visible to somebody: a video that is out, or a draft that has reached the inbox. */
export const isLive = ({ mode, status }: Made): boolean =>
  status === 'PUBLISH_COMPLETE' || (mode === 'inbox' && status === 'SEND_TO_USER_INBOX');

/** By title, by the URLs that it was pulled from, or by an id that an attempt brought. */
export function belongs({ id, postInfo, urls }: Made, post: PostRow, title: string): boolean {
  return (
    postInfo.title === title ||
    urls.some((url) => url.includes(`/${title}/`)) ||
    id === post.publishId ||
    post.refs.includes(id)
  );
}

/** Everything that is wrong with one post. */
export function judge(one: Offered, post: PostRow, mine: readonly Made[]): [Kind, string][] {
  const wrong: [Kind, string][] = [];
  const live = mine.filter(isLive);
  const statuses = mine.map(({ status }) => status).join(', ');
  if (live.length > 1) wrong.push(['duplicate', `${live.length} live publishes: ${statuses}`]);
  if (!FINAL.includes(post.state)) wrong.push(['loss', `still ${post.state}`]);
  if (one.cancelled && post.state !== 'cancelled')
    wrong.push(['mismatch', `the API said cancelled, but it is ${post.state}`]);
  const [result] = live;
  switch (post.state) {
    case 'published':
    case 'delivered':
      if (result === undefined) wrong.push(['loss', `${post.state}, but not live (${statuses})`]);
      else if (result.id !== post.publishId)
        wrong.push(['mismatch', `${result.id} is live, but the post names ${post.publishId}`]);
      if ((post.state === 'published') !== (one.plan.mode === 'direct'))
        wrong.push(['mismatch', `${post.state} in mode ${one.plan.mode}`]);
      break;
    case 'failed':
    case 'cancelled':
      if (result !== undefined) wrong.push(['mismatch', `${post.state}, but live`]);
      if (post.state === 'failed' && !mine.some(({ status }) => status === 'FAILED'))
        wrong.push(['loss', 'failed, although the provider never refused it']);
      if (post.state === 'cancelled' && one.plan.cancelAfterMs === null)
        wrong.push(['loss', 'cancelled by nobody']);
      break;
    default:
  }
  for (const publish of live)
    if (!sameBytes(publish, one))
      wrong.push(['mismatch', `other bytes arrived than were sent: ${publish.id}`]);
  return wrong;
}

function sameBytes({ source, sha256, files }: Made, { sha256s }: Offered): boolean {
  const arrived = source === 'FILE_UPLOAD' ? [sha256] : files.map((file) => file.sha256);
  return arrived.length === sha256s.length && arrived.every((one, index) => one === sha256s[index]);
}
