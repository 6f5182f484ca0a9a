/*
 * Cleans incoming text so that PostgreSQL, JSON and Temporal accept it. Nothing is refused for its text: a provider
 * would only send it again, or a creator's code would be wasted.
 */

/** Replaces what is not valid text: NUL, or a lone surrogate. */
const REPLACEMENT = '\ufffd';
/** Deeper nesting overflows the stack of parsers, ours and PostgreSQL's. */
const DEEPEST = 100;

/** Bytes as text, with U+FFFD for invalid UTF-8. The signature is verified before, over the bytes. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The text without NUL and lone surrogates, cut to `longest` UTF-16 units. */
export function cleanText(text: string, longest = Infinity): string {
  return text.slice(0, longest).toWellFormed().replaceAll('\0', REPLACEMENT);
}

/**
 * JSON text whose strings, keys included, are all clean. Values that are nested too deep become strings of their JSON.
 * Everything else stays as it is, every digit and space: clean JSON is returned unchanged.
 */
export function cleanJson(json: string): string {
  return folded(withCleanEscapes(json.toWellFormed()));
}

/** Most texts have no such escape and need no further work. */
const SUSPECT = /\\u(?:0000|[dD][89a-fA-F])/;

function withCleanEscapes(json: string): string {
  if (!SUSPECT.test(json)) return json;
  let result = '';
  let copied = 0;
  let next = 0;
  for (let at = json.indexOf('\\'); at !== -1; at = json.indexOf('\\', next)) {
    const unit = unitAt(json, at);
    const pair = isHalf(unit, 0xd8) && isHalf(unitAt(json, at + 6), 0xdc);
    next = at + (unit === null ? 2 : pair ? 12 : 6);
    if (pair || !(unit === 0 || isHalf(unit, 0xd8) || isHalf(unit, 0xdc))) continue;
    result += json.slice(copied, at) + REPLACEMENT;
    copied = next;
  }
  return result + json.slice(copied);
}

/** The UTF-16 unit of the escape at this position; null if there is none. */
function unitAt(json: string, at: number): number | null {
  return json.startsWith('\\u', at) ? Number.parseInt(json.slice(at + 2, at + 6), 16) : null;
}

/** @param half 0xd8: the first of a pair, 0xdc: the second */
function isHalf(unit: number | null, half: 0xd8 | 0xdc): boolean {
  return unit !== null && unit >> 10 === half >> 2;
}

function folded(json: string): string {
  let result = '';
  let copied = 0;
  let start = 0;
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    switch (json.charAt(at)) {
      case '"':
        at = endOfString(json, at);
        break;
      case '{':
      case '[':
        depth += 1;
        if (depth === DEEPEST + 1) start = at;
        break;
      case '}':
      case ']':
        if (depth === DEEPEST + 1) {
          result += json.slice(copied, start) + JSON.stringify(json.slice(start, at + 1));
          copied = at + 1;
        }
        depth -= 1;
    }
  }
  return result + json.slice(copied);
}

/** @param start position of its opening quote @returns the position of the closing quote */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}
