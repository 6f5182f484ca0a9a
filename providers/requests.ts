import type { TProperties } from 'typebox';
import type { AddressRules } from './media-urls.ts';
import type { OurFile, OurFiles } from './our-files.ts';
import type { RequestProblem } from './request-problem.ts';

/**
 * How a provider reads what clients ask it to publish (`requests` of its request.ts). Pure: the API finds the account and the
 * files.
 */
export interface Requests {
  /** The fields of the body of its publish route, besides those that every such body has. */
  readonly fields: TProperties;
  /** @param body fits `fields` */
  open(body: unknown, rules: AddressRules): OpenedBody;
  /** The body that the route takes for a stored request: what was chosen, and what stands where nothing was. */
  bodyOf(stored: StoredRequest): Record<string, unknown>;
}

/** A body, read once, before its files are found. */
export interface OpenedBody {
  /** What is wrong with it whatever its files are. */
  readonly problems: readonly RequestProblem[];
  /** The files of ours that it names. */
  readonly mediaIds: readonly string[];
  /** The request that it asks for. @param files all of `mediaIds` */
  read(files: OurFiles): ReadRequest;
}

/** A request to publish, with what the API has to know of it. */
export interface ReadRequest {
  /** As it is stored: what `publishing.of` takes. */
  request: object;
  problems: readonly RequestProblem[];
  /** The file of ours that the post is made of, where it is one. */
  file: OurFile | null;
  /** What makes two posts of an account the same one. */
  same: readonly unknown[];
  /** Refuses the request where this installation's address was not verified at the platform; absent: that does not matter. */
  unverified?: RequestProblem;
}

export interface StoredRequest {
  request: unknown;
  /** Of `file`. */
  mediaId: string | null;
}
