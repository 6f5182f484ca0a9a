import { badParam } from './problems.ts';

/** `1,2` or `["1","2"]`. */
export function listOf(text: string): string[] {
  if (text.trim() === '') return [];
  if (!text.trim().startsWith('[')) return text.split(',').map((item) => item.trim());
  const list = jsonOf(text);
  return Array.isArray(list) ? list.map(String) : badParam('a list is expected');
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return badParam('a parameter is not valid JSON');
  }
}
