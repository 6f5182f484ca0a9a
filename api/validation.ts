import type { FastifySchemaCompiler } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { cleanText } from '../providers/clean.ts';
import { apiError, type ApiError, type FieldProblem, fieldError } from './errors.ts';
import { readTimesAsKept } from './times.ts';

readTimesAsKept();

/**
 * Validates requests against their schemas. Bodies are taken unchanged; texts of a query are parsed as their schema
 * says. A malformed id in the path answers 404, like an unknown one.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const checker = Compile(schema);
  return (input: unknown) => {
    const value = readAs(httpPart, schema, input);
    const fits = checker.Check(value);
    const problem = fits && httpPart !== 'headers' ? fieldError(unstorable(value, '')) : null;
    if (fits && problem === null) return { value };
    if (httpPart === 'params') return { error: apiError('not_found') };
    return { error: problem ?? refusal(checker.Errors(value)) };
  };
};

const UNSTORABLE = 'must be well-formed Unicode without NUL characters';

/** PostgreSQL stores no NUL and no lone surrogate. The error names the field that has one. */
function unstorable(value: unknown, at: string): FieldProblem[] {
  if (typeof value === 'string')
    return cleanText(value) === value ? [] : [{ field: at === '' ? 'body' : at, message: UNSTORABLE }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) =>
    unstorable(part, at === '' ? name : `${at}.${name}`),
  );
}

function readAs(part: string | undefined, schema: TSchema, input: unknown): unknown {
  if (part === 'querystring') return valuesOf(schema, input);
  return part === 'params' ? idsOf(schema, input) : input;
}

/**
 * The path's parameters, with ids in lower case, as we write them: PostgreSQL ignores the case of an id, but string
 * comparisons do not.
 */
function idsOf(schema: TSchema, input: unknown): unknown {
  if (!Type.IsObject(schema) || typeof input !== 'object' || input === null) return input;
  return Object.fromEntries(
    Object.entries(input).map(([name, value]: [string, unknown]) => {
      const wanted = schema.properties[name];
      const isId = wanted !== undefined && Reflect.get(wanted, 'format') === 'uuid';
      return [name, isId && typeof value === 'string' ? value.toLowerCase() : value];
    }),
  );
}

/** The query's parameters, with integers and booleans parsed. */
function valuesOf(schema: TSchema, input: unknown): unknown {
  if (!Type.IsObject(schema) || typeof input !== 'object' || input === null) return input;
  return Object.fromEntries(
    Object.entries(input).map(([name, value]: [string, unknown]) => {
      const wanted = schema.properties[name];
      const isNumber = typeof value === 'string' && /^-?\d{1,15}$/.test(value) && Type.IsInteger(wanted);
      const isBoolean = (value === 'true' || value === 'false') && Type.IsBoolean(wanted);
      if (isBoolean) return [name, value === 'true'];
      return [name, isNumber ? Number(value) : value];
    }),
  );
}

/** The types of JSON Schema as nouns. */
const NOUNS: Readonly<Record<string, string>> = {
  array: 'an array',
  boolean: 'a boolean',
  integer: 'an integer',
  number: 'a number',
  object: 'an object',
  string: 'a string',
};

type Problems = ReturnType<ReturnType<typeof Compile>['Errors']>;

function refusal(problems: Problems): ApiError {
  const fields: FieldProblem[] = [];
  let unknown = false;
  for (const { keyword, instancePath, params, message } of problems) {
    const at = instancePath.slice(1).replaceAll('/', '.');
    const under = (name: string): string => (at === '' ? name : `${at}.${name}`);
    if (keyword === 'boolean' || keyword === 'anyOf') continue;
    if (keyword === 'required') {
      for (const name of names(params, 'requiredProperties'))
        fields.push({ field: under(name), message: 'is required' });
    } else if (keyword === 'additionalProperties') {
      unknown = true;
      for (const name of names(params, 'additionalProperties'))
        fields.push({ field: under(name), message: 'is not a known field' });
    } else {
      const field = at === '' ? 'body' : at;
      fields.push({ field, message: wording(keyword, params, message), ...ofPerson(keyword, field, params) });
    }
  }
  if (fields.length === 0) fields.push({ field: 'body', message: 'is malformed' });
  return (
    fieldError(fields.slice(0, 20), unknown ? 'unknown_field' : 'invalid_request') ??
    apiError('invalid_request')
  );
}

/** A message for problems that the user can fix: too many characters or entries, or an invalid e-mail address. */
function ofPerson(keyword: string, field: string, params: object): { userMessage?: string } {
  const name = field.split('.').findLast((part) => !/^\d+$/.test(part)) ?? field;
  const limit: unknown = Reflect.get(params, 'limit');
  switch (keyword) {
    case 'maxLength':
      return { userMessage: `${name} may have at most ${String(limit)} characters. Shorten it.` };
    case 'maxItems':
      return { userMessage: `${name} may have at most ${String(limit)} entries. Remove some.` };
    case 'minItems':
      return { userMessage: `${name} must have at least ${String(limit)} entries. Add some.` };
    case 'format':
      return Reflect.get(params, 'format') === 'email'
        ? { userMessage: `${name} must be an e-mail address, as in name@example.com.` }
        : {};
    default:
      return {};
  }
}

function names(params: object, key: string): string[] {
  const value: unknown = Reflect.get(params, key);
  return Array.isArray(value) ? value.map((name) => String(name).slice(0, 100)) : [];
}

/** The message for a field; the schema's own one if it is clear enough. */
function wording(keyword: string, params: object, message: string): string {
  const values: unknown = Reflect.get(params, 'allowedValues');
  if (Array.isArray(values)) return `must be one of ${values.join(', ')}`;
  if (keyword === 'type') {
    const types = [Reflect.get(params, 'type')].flat();
    return `must be ${types.map((type) => NOUNS[String(type)] ?? String(type)).join(' or ')}`;
  }
  if (keyword === 'format' && Reflect.get(params, 'format') === 'date-time')
    return 'must be a time such as 2026-12-01T09:00:00Z';
  return message;
}
