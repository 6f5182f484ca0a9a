import { type Static, Type } from 'typebox';

/* The inspector's answer: the file's own statements, of the right types but not verified. */

const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);
const Text = Type.String({ maxLength: 100 });

const Picture = Type.Object({
  format: Text,
  /** Pixels, as stored. */
  width: NumberOrNull,
  height: NumberOrNull,
  fps: NumberOrNull,
  /** Bits a second. */
  bitRate: NumberOrNull,
  /** `4:2:0`, ... */
  chroma: Type.Union([Text, Type.Null()]),
});
export type Picture = Static<typeof Picture>;

const Sound = Type.Object({ format: Text, channels: NumberOrNull, sampleRate: NumberOrNull });
export type Sound = Static<typeof Sound>;

const Media = Type.Object({
  container: Type.Union([
    Type.Literal('mp4'),
    Type.Literal('mov'),
    Type.Literal('webm'),
    Type.Literal('jpeg'),
    Type.Literal('webp'),
    Type.Literal('png'),
  ]),
  indexFirst: Type.Union([Type.Boolean(), Type.Null()]),
  truncated: Type.Boolean(),
  seconds: NumberOrNull,
  /** Whether players rotate the picture by 90 degrees. */
  sideways: Type.Boolean(),
  video: Type.Union([Picture, Type.Null()]),
  image: Type.Union([Picture, Type.Null()]),
  audio: Type.Union([Sound, Type.Null()]),
});

/** No container that we accept; `other` names one that we recognize. */
const Other = Type.Object({
  container: Type.Null(),
  other: Type.Union([Text, Type.Null()]),
  truncated: Type.Boolean(),
});

export const Findings = Type.Union([Media, Other]);
export type Findings = Static<typeof Findings>;
