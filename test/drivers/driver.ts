import type { ProviderName } from '../../providers/provider.ts';
import type { Json, World } from '../world.ts';

/* How the conformance suite drives the sandbox of a provider. What is here says nothing about Everpost. */

/** Somebody who has connected their account. */
export interface Person {
  /** At the sandbox. */
  name: string;
  /** The account. */
  id: string;
  openId: string;
}

/** Media that posts can name. */
export interface Files {
  videoId: string;
  imageId: string;
  videoUrl: string;
  imageUrl: string;
}

/** One kind of post that can be made. */
export interface Example {
  /** The body of the request, without the account. */
  body: Record<string, unknown>;
  /** `published` without it. */
  ends?: 'delivered';
  /** How many posts are live by it; one without it. */
  live?: number;
  /** The most events that it may leave in Temporal, where that is not what a post of one file may. */
  events?: number;
}

/** A change of which the provider tells. */
export interface Told {
  /** Stands in the event, and in no other. */
  mark: string;
  /** Whose account it is about. */
  openId: string;
  /** A secret that is not the app's. */
  secret?: string;
}

export interface Driver {
  /** What its cases are called by. */
  label: string;
  provider: ProviderName;
  /** How accounts are connected; absent: as usual. */
  method?: string;
  publishPath: string;
  /** Settings of the sandbox without which the cases would take days. */
  prepare?(world: World): Promise<unknown>;
  /** Adds somebody whose account can be connected; `creator` of a consent is their name. */
  addPerson(world: World, name: string): Promise<unknown>;
  /** What a consent may leave out, so that the account is of no use. */
  incomplete: { scopes: string[]; missing: string[] };
  /** Every kind of post, by what it is. `parent`: a post that can be answered. */
  examples(files: Files, world: World): Promise<Record<string, Example>>;
  /** How many posts of an account are live, or lie in its inbox. */
  live(world: World, openId: string): Promise<number>;
  /**
   * Endpoints (sandbox/README.md): of all writes, with how many the examples make there; of what is sent and asked
   * afterwards, and those of it that tell the details of what is live; of refreshing a token, and of giving it back.
   */
  endpoints: {
    writes: Record<string, number>;
    others: string[];
    details?: string;
    refresh: string;
    revoke: string | null;
  };
  /** The endpoint that makes a carousel out of what lasts for a day; absent: there is none such. */
  carousel?: string;
  /** Makes the next posts more than the provider allows, or allows them again. */
  allow(world: World, person: Person, posts: 'one' | 'many'): Promise<unknown>;
  /** How a call with a bad token is answered. */
  tokenRefusal: { http: number; code: string };
  /** Has the account's token refused. */
  spoilToken(world: World, person: Person): Promise<unknown>;
  /** Whether a token that is refused can still be exchanged for a good one. */
  revives: boolean;
  /** Whether the provider tells of a write that may be live that it did not happen; else only what is live is found. */
  tellsOfNothing: boolean;
  /** What an account is when the answer of a refresh is lost: has the provider ended the old token? */
  lostRefresh: 'active' | 'reauth_required';
  /** The person removes the app, and the provider says so. */
  removeApp(world: World, person: Person): Promise<unknown>;
  /** Has the provider tell something. */
  tell(world: World, told: Told): Promise<unknown>;
  /** Several changes in one request; absent: the provider sends each by itself. */
  tellBatch?(world: World, told: readonly Told[]): Promise<unknown>;
}

/** The sandbox's containers or publishes of an account that are live. */
export async function countLive(world: World, path: string): Promise<number> {
  const { live }: Json = await world.control('GET', path);
  return live;
}
