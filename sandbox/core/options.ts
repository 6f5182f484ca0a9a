import { Type, type TEnum } from 'typebox';

/** Short words for the options and the state of a fake provider. */
export const flag = (value: boolean) => Type.Boolean({ default: value });
export const count = (value: number) => Type.Integer({ minimum: 0, default: value });

/** One of these words; the first is the default. */
export function choice<Name extends string>(...names: Name[]): TEnum<Name[]> {
  return Type.Enum(names, { default: names[0] });
}

/** One of these words. */
export function oneOf<Name extends string>(...names: Name[]): TEnum<Name[]> {
  return Type.Enum(names);
}

export const NullableString = Type.Union([Type.String(), Type.Null()]);
export const NullableNumber = Type.Union([Type.Number(), Type.Null()]);
