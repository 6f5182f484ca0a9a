import { Type, type Static, type TSchema } from 'typebox';
import { PLATFORMS } from '../providers/index.ts';
import { PROVIDER_NAMES } from '../providers/provider.ts';
import { LONGEST_NAME } from '../providers/texts.ts';

/* Schemas that several resources share. */

/** Longer times only add digits that we ignore. */
export const LONGEST_TIME = 64;
/** RFC 3339. */
export const Time = Type.String({ format: 'date-time', maxLength: LONGEST_TIME });
export const nullable = {
  string: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  time: Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time' }),
  integer: Type.Unsafe<number | null>({ type: ['integer', 'null'] }),
  number: Type.Unsafe<number | null>({ type: ['number', 'null'] }),
};

const METHODS = Object.values(PLATFORMS).flatMap(({ about: { title, methods } }) =>
  methods === undefined ? [] : [{ title, methods }],
);
/** The way to connect an account. */
export const Method = Type.String({
  maxLength: 40,
  examples: METHODS.flatMap(({ methods }) => methods),
  description: `For providers with several ways to connect, the default first. ${METHODS.map(
    ({ title, methods }) => `${title}: ${methods.map((method) => `\`${method}\``).join(' or ')}.`,
  ).join(' ')}`,
});

/** An object with any fields. */
export const Anything = Type.Object({}, { additionalProperties: true });

export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'Stable; for programs.' }),
      message: Type.String({ description: 'For developers.' }),
      userMessage: Type.String({
        description: 'For the end user: what happened and what to do.',
      }),
      retryable: Type.Boolean({ description: 'Whether the same request may succeed later.' }),
      details: Anything,
      requestId: Type.String({ description: 'Also in the x-request-id header and in every log line.' }),
    }),
  },
  { $id: 'Error', description: 'The format of every error.' },
);

/** A reference to a schema that the app knows by its `$id`. */
export const ref = <T extends TSchema & { $id?: string }>(schema: T) =>
  Type.Unsafe<Static<T>>({ $ref: `${schema.$id ?? ''}#` });

/** A response that is a page. */
export const html = (description: string) => ({
  description,
  content: { 'text/html': { schema: Type.String() } },
});

const described = (description: string) =>
  Type.Unsafe<Static<typeof ErrorBody>>({ $ref: 'Error#', description });

const REASONS = {
  400: described('The request is malformed; see `details.fields`.'),
  401: described('No valid key.'),
  403: described('The key may not do this.'),
  404: described('It does not exist or belongs to another user.'),
  409: described('Not possible in the current state.'),
  410: described('No longer available.'),
  412: described('The request lacks the supported tus version: `Tus-Resumable: 1.0.0`.'),
  413: described('Too large.'),
  415: described('Unsupported content type.'),
  416: described('The range is outside the file.'),
  422: described('Well-formed, but not possible.'),
  429: described('Too many requests; see `Retry-After`.'),
  500: described('Everpost failed.'),
  502: described('The provider does not respond properly.'),
  503: described('PostgreSQL, Temporal or the media folder is unavailable; try again.'),
  507: described('The media folder is full.'),
};

/** A response that is JSON for programs and a page for browsers. */
export const jsonOrHtml = (description: string, schema: TSchema) => ({
  description,
  content: { 'application/json': { schema }, 'text/html': { schema: Type.String() } },
});

/** A refusal that a creator may see. */
export const refusalOrPage = jsonOrHtml('What went wrong and what to do.', ref(ErrorBody));

/** The refusals of a route; the common ones are always included. */
export function refusals(...statuses: (keyof typeof REASONS)[]): Record<number, (typeof REASONS)[400]> {
  const all = new Set<keyof typeof REASONS>([400, 401, 403, 429, 500, 503, ...statuses]);
  // A route with a body can get one that is too large.
  if (all.has(415)) all.add(413);
  return Object.fromEntries([...all].map((status) => [status, REASONS[status]]));
}

/** The same for routes whose refusals browsers see as pages. */
export function refusalsOrPages(...statuses: (keyof typeof REASONS)[]) {
  return Object.fromEntries(Object.keys(refusals(...statuses)).map((status) => [status, refusalOrPage]));
}

/** For routes that refuse only malformed requests. */
export const malformed = { 400: REASONS[400] };

/** An id in a body or query; an impossible id is answered like an unknown one. */
export const AnyId = Type.String({ maxLength: LONGEST_NAME });
/** Path parameter of a provider's routes. */
export const ProviderPath = Type.Object({
  provider: Type.String({ maxLength: 20, examples: [...PROVIDER_NAMES] }),
});
/** Path parameters; see above. */
export const Id = Type.Object({ id: Type.String({ format: 'uuid' }) });

export const text = (date: Date): string => date.toISOString();
export const textOrNull = (date: Date | null): string | null => date?.toISOString() ?? null;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Whether a text can be an id: PostgreSQL rejects queries with others. */
export const isUuid = (id: string): boolean => UUID.test(id);
