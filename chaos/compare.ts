import type { ChaosAccount, Offered } from './offer.ts';
import type { World } from './world.ts';

/* What the API says against what the sandbox knows to be true. */

/** A publish at the sandbox. */
interface Made {
  id: string;
  openId: string;
  mode: string;
  status: string;
  postInfo: { title?: string };
  urls: string[];
  sha256: string | null;
}

interface PostRow {
  id: string;
  state: string;
  publishId: string | null;
  refs: string[];
}

export type Kind = 'duplicate' | 'loss' | 'mismatch';

/** Something that must never be. */
export interface Offence {
  kind: Kind;
  what: string;
  postId: string | null;
  title: string | null;
}

export interface Comparison {
  states: Record<string, number>;
  offences: Offence[];
}

const FINAL = ['published', 'delivered', 'failed', 'cancelled', 'unknown'];

/** Visible to somebody: a video that is out, or a draft that has reached the inbox. */
const isLive = ({ mode, status }: Made): boolean =>
  status === 'PUBLISH_COMPLETE' || (mode === 'inbox' && status === 'SEND_TO_USER_INBOX');

/** Compares every publish of a round, once all has come to its end. */
export async function compare(
  world: World,
  accounts: readonly ChaosAccount[],
  offered: readonly Offered[],
): Promise<Comparison> {
  const posts = await readPosts(world, accounts);
  const openIds = new Set(accounts.map(({ openId }) => openId));
  const everything: Made[] = await world.api.control('GET', '/tiktok/publishes');
  const made = everything.filter(({ openId }) => openIds.has(openId));
  const offences: Offence[] = [];
  const claimed = new Set<string>();

  for (const one of offered) {
    const [postId] = one.postIds;
    const offend = (kind: Kind, what: string): void =>
      void offences.push({ kind, what, postId: postId ?? null, title: one.title });
    if (one.refused !== null) offend('mismatch', `the API did not take it: ${one.refused}`);
    if (one.postIds.size > 1) offend('duplicate', `one key made ${one.postIds.size} posts`);
    const post = posts.find(({ id }) => id === postId);
    if (post === undefined) {
      if (postId !== undefined) offend('loss', 'accepted by the API, but there is no such post');
      continue;
    }
    const mine = made.filter((publish) => belongs(publish, post, one.title));
    for (const { id } of mine) claimed.add(id);
    for (const [kind, what] of judge(one, post, mine)) offend(kind, what);
  }

  const known = new Set(offered.flatMap(({ postIds }) => [...postIds]));
  for (const post of posts)
    if (!known.has(post.id))
      offences.push({ kind: 'duplicate', what: 'a post that no call made', postId: post.id, title: null });
  for (const publish of made)
    if (!claimed.has(publish.id) && isLive(publish))
      offences.push({
        kind: 'duplicate',
        what: `${publish.id} is live without a post`,
        postId: null,
        title: null,
      });
  return { states: countStates(posts), offences };
}

/** By title, by the URLs that it was pulled from, or by an id that an attempt brought. */
function belongs({ id, postInfo, urls }: Made, post: PostRow, title: string): boolean {
  return (
    postInfo.title === title ||
    urls.some((url) => url.includes(`/${title}/`)) ||
    id === post.publishId ||
    post.refs.includes(id)
  );
}

/** Everything that is wrong with one post. */
function judge(one: Offered, post: PostRow, mine: readonly Made[]): [Kind, string][] {
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
    if (one.sha256 !== null && publish.sha256 !== one.sha256)
      wrong.push(['mismatch', 'other bytes arrived than were sent']);
  return wrong;
}

/** Everything that the database knows about the accounts' posts. */
async function readPosts({ stack: { sql } }: World, accounts: readonly ChaosAccount[]): Promise<PostRow[]> {
  return sql<PostRow[]>`
    select id, state, publish_id as "publishId",
      array(select provider_ref from publish_attempts where post_id = posts.id and provider_ref is not null) as refs
    from posts where oauth_account_id in ${sql(accounts.map(({ id }) => id))}`;
}

function countStates(posts: readonly PostRow[]): Record<string, number> {
  const states = Object.fromEntries(FINAL.map((state) => [state, 0]));
  for (const { state } of posts) states[state] = (states[state] ?? 0) + 1;
  return states;
}
