import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AST, RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';
import { parseSync, Visitor } from 'oxc-parser';
import { analyse } from 'scslre';
import { expect, test } from 'vitest';

/*
 * No pattern of the product may take more than linear time, whatever the text. Decided by analysing the pattern, not by
 * the clock. Patterns in schemas are strings that start with ^.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PRODUCT =
  '{config,plan,server,worker}.ts {activities,api,crypto,db,media,providers,temporal,workflows}/**/*.ts'.split(
    ' ',
  );

interface Pattern {
  at: string;
  source: string;
  flags: string;
}

test('every pattern takes linear time', () => {
  const patterns = globSync(PRODUCT, { cwd: ROOT }).flatMap(patternsOf);
  expect(patterns.length).toBeGreaterThan(40);
  expect(patterns.filter(isSlow)).toEqual([]);
});

test.each([
  ['trimmed at the end', /[.,;]+$/],
  ['cut behind a question mark', /(https?:[^\s?]*)\?\S*/gi],
  ['nested', /^(?:\w+\s?)*$/],
  ['two that take the same', /^\d*\w*x$/],
])('a slow pattern is found: %s', (_what, { source, flags }) => {
  expect(isSlow({ at: '', source, flags })).toBe(true);
});

function isSlow(pattern: Pattern): boolean {
  return [pattern.source, ...tailsOf(pattern)].some(
    (source) => analyse({ source, flags: pattern.flags }).reports.length > 0,
  );
}

/**
 * A pattern without a start anchor is tried at every position of the text: it is slow if the part after one of its
 * repetitions can fail and the part before it can match again and again within it.
 */
function tailsOf({ source, flags }: Pattern): string[] {
  const tails: string[] = [];
  visitRegExpAST(new RegExpParser().parseLiteral(`/${source}/${flags}`), {
    onQuantifierEnter({ max, start, parent }) {
      const around = ancestorsOf(parent);
      if (max !== Infinity || around.some(isBound)) return;
      const groups = around.filter(({ type }) => type === 'Group' || type === 'CapturingGroup');
      tails.push('(?:'.repeat(groups.length) + source.slice(start - 1));
    },
  });
  return tails;
}

function ancestorsOf(node: AST.Node | null): AST.Node[] {
  return node === null ? [] : [node, ...ancestorsOf(node.parent)];
}

const isBound = (node: AST.Node): boolean =>
  node.type === 'Alternative' && node.elements[0]?.type === 'Assertion' && node.elements[0].kind === 'start';

function patternsOf(file: string): Pattern[] {
  const found: Pattern[] = [];
  const text = readFileSync(join(ROOT, file), 'utf8');
  new Visitor({
    Literal(node) {
      if ('regex' in node)
        found.push({ at: `${file}: ${node.raw ?? ''}`, source: node.regex.pattern, flags: node.regex.flags });
    },
  }).visit(parseSync(file, text).program);
  return found;
}
