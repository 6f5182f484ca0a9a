import type { TProperties } from 'typebox';
import type { AddressRules } from './media-urls.ts';
import type { OurFile, OurFiles } from './our-files.ts';
import type { RequestProblem } from './request-problem.ts';

/** How a provider reads the body of its publish route (body.ts of its folder). Pure: the API finds the account and the files. */
export interface Requests {
  /** The provider's own fields of the body; the API adds the fields that all providers share. */
  readonly fields: TProperties;
  /** Reads a body. @param body valid for `fields` */
  open(body: unknown, rules: AddressRules): OpenedBody;
  /** The body of a stored request: the chosen values, and the defaults of the others. */
  bodyOf(stored: StoredRequest): Record<string, unknown>;
}

/** A body whose files are not found yet. */
export interface OpenedBody {
  /** Problems that do not depend on the files. */
  readonly problems: readonly RequestProblem[];
  /** The uploaded files that it names. */
  readonly mediaIds: readonly string[];
  /** Makes the request. @param files every file of `mediaIds` */
  read(files: OurFiles): ReadRequest;
}

/** A request to publish, and the facts about it that the API needs. */
export interface ReadRequest {
  /** The stored form: the argument of `publishing.of`. */
  request: object;
  problems: readonly RequestProblem[];
  /** The uploaded file of a post with a single file. */
  file: OurFile | null;
  /** Two posts of an account are duplicates if these are equal. */
  same: readonly unknown[];
  /** The refusal of this request if the installation's URL is not verified at the platform; absent: it need not be. */
  unverified?: RequestProblem;
}

export interface StoredRequest {
  request: unknown;
  /** The id of `ReadRequest.file`. */
  mediaId: string | null;
}
