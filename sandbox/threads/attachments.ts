import { Type, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { ContainerInput } from './container-input.ts';
import { badParam } from './problems.ts';

const option = Type.String({ minLength: 1, maxLength: 25 });
const Poll = Type.Object({
  option_a: option,
  option_b: option,
  option_c: Type.Optional(option),
  option_d: Type.Optional(option),
});
const whole = Type.Integer({ minimum: 0 });
const Entities = Type.Array(
  Type.Object({ entity_type: Type.Literal('SPOILER'), offset: whole, length: whole }),
  { maxItems: 10 },
);
const LongText = Type.Object({
  plaintext: Type.String({ minLength: 1, maxLength: 10_000 }),
  link_attachment_url: Type.Optional(Type.String()),
  text_with_styling_info: Type.Optional(Type.Array(Type.Unknown())),
});
const Gif = Type.Object({ gif_id: Type.String(), provider: Type.Literal('GIPHY') });

/** Nested values are JSON in one form field (threads-facts 1.2 and 4.1). */
export function checkAttachments(input: ContainerInput): void {
  const { params } = input;
  const poll = params['poll_attachment'];
  if (poll !== undefined && !isObjectWith(poll, 'option_a')) {
    // A poll in any other form is ignored, and plain text is posted (threads-facts 11.9).
    delete params['poll_attachment'];
    input.ignored.push('poll_attachment');
  }
  checkJson(params, 'poll_attachment', Poll);
  checkJson(params, 'text_entities', Entities);
  checkJson(params, 'text_attachment', LongText);
  checkJson(params, 'gif_attachment', Gif);
  const { text_attachment, link_attachment } = params;
  if (text_attachment !== undefined && (link_attachment ?? params['poll_attachment']) !== undefined) {
    badParam('Param text_attachment can not be combined with a poll or a link');
  }
  if (link_attachment !== undefined && !URL.canParse(link_attachment))
    badParam('Param link_attachment is not a URL');
}

function checkJson(params: Record<string, string>, name: string, schema: TSchema): void {
  const text = params[name];
  if (text !== undefined && !Value.Check(schema, parsed(text))) badParam(`Param ${name} is invalid`);
}

function isObjectWith(text: string, key: string): boolean {
  const value = parsed(text);
  return typeof value === 'object' && value !== null && key in value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
