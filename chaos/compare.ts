import { type Answered, postsOfAnswers } from './answers.ts';
import { belongs, judge, type Outcome, type PostRow } from './judge.ts';
import { offence, type Kind, type Offence } from './offence.ts';
import type { Offered } from './offer.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import type { Made } from '../test/drivers/sandbox.ts';
import type { ChaosAccount } from './creators.ts';
import type { World } from './world.ts';

/* What the API says against what the sandbox knows to be true. */

export interface Comparison {
  /** How each post ended. */
  outcomes: Outcome[];
  offences: Offence[];
}

/** Compares every publish of a round, once all has come to its end. */
export async function compare(
  world: World,
  accounts: readonly ChaosAccount[],
  offered: readonly Offered[],
  answers: readonly Answered[],
): Promise<Comparison> {
  const ofAnswers = await postsOfAnswers(world, answers);
  const posts = (await readPosts(world, accounts)).filter(({ id }) => !ofAnswers.has(id));
  const openIds = new Set(accounts.map(({ openId }) => openId));
  const made: Made[] = [];
  for (const driver of DRIVERS) made.push(...(await driver.made(world.api)));
  const offences: Offence[] = [];
  // How often each is there: answers.ts.
  const texts = new Set(answers.map(({ text }) => text));
  const claimed = new Set(made.flatMap(({ id, text }) => (texts.has(text) ? [id] : [])));

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
    const mine = made.filter((publish) => belongs(publish, post, one));
    for (const { id } of mine) claimed.add(id);
    for (const [kind, what] of judge(one, post, mine)) offend(kind, what);
  }

  const known = new Set(offered.flatMap(({ postIds }) => [...postIds]));
  for (const post of posts)
    if (!known.has(post.id)) offences.push(offence('duplicate', 'a post that no call made', post.id));
  for (const publish of made)
    if (openIds.has(publish.openId) && publish.live && !claimed.has(publish.id))
      offences.push(offence('duplicate', `${publish.id} is live without a post`));
  return { outcomes: posts.map(({ provider, state }) => ({ provider, state })), offences };
}

/** Everything that the database knows about the accounts' posts. */
async function readPosts({ stack: { sql } }: World, accounts: readonly ChaosAccount[]): Promise<PostRow[]> {
  return sql<PostRow[]>`
    select id, provider, state, publish_id as "publishId", provider_post_id as "providerPostId", error->>'code' as "errorCode",
      array(select provider_ref from publish_attempts where post_id = posts.id and provider_ref is not null) as refs
    from posts where oauth_account_id in ${sql(accounts.map(({ id }) => id))}`;
}
