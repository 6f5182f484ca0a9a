import { type TSchema, Type } from 'typebox';
import { expect, test } from 'vitest';
import { ApiError } from '../api/errors.ts';
import { Time } from '../api/schemas.ts';
import { validatorCompiler } from '../api/validation.ts';

/* The text of `details.fields` for a malformed field. */

const A_TIME = 'must be a time such as 2026-12-01T09:00:00Z';

test.each<[string, TSchema, unknown, string]>([
  ['a text', Type.String(), 1, 'must be a string'],
  ['a whole number', Type.Integer(), '12', 'must be an integer'],
  ['a number', Type.Number(), '1.5', 'must be a number'],
  ['a switch', Type.Boolean(), 'true', 'must be a boolean'],
  ['an object', Type.Object({}), 'x', 'must be an object'],
  ['a list', Type.Array(Type.String()), 'x', 'must be an array'],
  ['a text or null', Type.Unsafe({ type: ['string', 'null'] }), 3, 'must be a string or null'],
  ['one of several words', Type.Enum(['wait', 'fail']), 'x', 'must be one of wait, fail'],
  ['a time without a zone', Time, '2026-12-01T09:00:00', A_TIME],
  ['a time that is a word', Time, 'tomorrow', A_TIME],
])('%s that it is not', (_what, schema, value, message) => {
  const body = Type.Object({ field: schema });
  const check = validatorCompiler({ schema: body, httpPart: 'body', method: 'POST', url: '/' });
  const result: unknown = check({ field: value });
  const error: unknown = typeof result === 'object' && result !== null ? Reflect.get(result, 'error') : null;
  if (!(error instanceof ApiError)) throw new Error('it was not refused');
  expect(error.details).toMatchObject({ fields: [{ field: 'field', message }] });
});
