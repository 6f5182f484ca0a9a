import { Type, type Static, type TSchema } from 'typebox';

/* What several resources share. */

/** The rest of a time's digits means nothing to us. */
export const LONGEST_TIME = 64;
/** RFC 3339. */
export const Time = Type.String({ format: 'date-time', maxLength: LONGEST_TIME });
export const nullable = {
  string: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
  time: Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time' }),
  integer: Type.Unsafe<number | null>({ type: ['integer', 'null'] }),
  number: Type.Unsafe<number | null>({ type: ['number', 'null'] }),
};

/** How an account is to be connected. */
export const Method = Type.String({
  maxLength: 40,
  examples: ['instagram_login'],
  description:
    'Where the provider has several ways to connect. Instagram: `facebook_login` (the usual one) or `instagram_login`.',
});

/** Whatever else an object holds. */
export const Anything = Type.Object({}, { additionalProperties: true });

export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ description: 'Stable; what programs look at.' }),
      message: Type.String({ description: 'For developers.' }),
      userMessage: Type.String({
        description: 'For the person at the screen: what happened and what to do.',
      }),
      retryable: Type.Boolean({ description: 'Whether the same request may succeed later.' }),
      details: Anything,
      requestId: Type.String({ description: 'Also in the header x-request-id, and in every log line.' }),
    }),
  },
  { $id: 'Error', description: 'What every refusal looks like.' },
);

/** A reference to a schema that the app knows by its `$id`. */
export const ref = <T extends TSchema & { $id?: string }>(schema: T) =>
  Type.Unsafe<Static<T>>({ $ref: `${schema.$id ?? ''}#` });

/** An answer that is a page. */
export const html = (description: string) => ({
  description,
  content: { 'text/html': { schema: Type.String() } },
});

const described = (description: string) =>
  Type.Unsafe<Static<typeof ErrorBody>>({ $ref: 'Error#', description });

const REASONS = {
  400: described('The request is malformed; `details.fields` names what is.'),
  401: described('No valid key.'),
  403: described('The key may not do this.'),
  404: described('It does not exist, or belongs to somebody else.'),
  409: described('It cannot be done in the present state.'),
  410: described('It has ended.'),
  412: described('The request does not name the version of tus that is spoken here: `Tus-Resumable: 1.0.0`.'),
  413: described('Too large.'),
  415: described('Another content type is expected.'),
  416: described('The range lies outside of the file.'),
  422: described('Well-formed, but cannot be done as it stands.'),
  429: described('Too many requests; see `Retry-After`.'),
  500: described('An error of Everpost.'),
  502: described('The provider does not answer as it should.'),
  503: described('PostgreSQL, Temporal or the media folder is away; try again.'),
  507: described('The media folder is full.'),
};

/** What programs get as JSON, and browsers as a page. */
export const jsonOrHtml = (description: string, schema: TSchema) => ({
  description,
  content: { 'application/json': { schema }, 'text/html': { schema: Type.String() } },
});

/** A refusal that a creator may see. */
export const refusalOrPage = jsonOrHtml('What went wrong, and what to do.', ref(ErrorBody));

/** The refusals that a route may answer with; the usual ones are always among them. */
export function refusals(...statuses: (keyof typeof REASONS)[]): Record<number, (typeof REASONS)[400]> {
  const all = new Set<keyof typeof REASONS>([400, 401, 403, 429, 500, 503, ...statuses]);
  // What has a body can have one that is too large.
  if (all.has(415)) all.add(413);
  return Object.fromEntries([...all].map((status) => [status, REASONS[status]]));
}

/** The same, where a browser gets a page. */
export function refusalsOrPages(...statuses: (keyof typeof REASONS)[]) {
  return Object.fromEntries(Object.keys(refusals(...statuses)).map((status) => [status, refusalOrPage]));
}

/** For routes that refuse nothing by themselves. */
export const malformed = { 400: REASONS[400] };

export const LONGEST_ID = 200;
/** In bodies and queries; ids that cannot exist answer like ids that do not. */
export const AnyId = Type.String({ maxLength: LONGEST_ID });
/** Path parameter of what belongs to a provider. */
export const ProviderPath = Type.Object({
  provider: Type.String({ maxLength: 20, examples: ['instagram'] }),
});
/** Path parameters; as above. */
export const Id = Type.Object({ id: Type.String({ format: 'uuid' }) });

export const text = (date: Date): string => date.toISOString();
export const textOrNull = (date: Date | null): string | null => date?.toISOString() ?? null;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Whether a text can be an id at all: PostgreSQL refuses to look for others. */
export const isUuid = (id: string): boolean => UUID.test(id);
