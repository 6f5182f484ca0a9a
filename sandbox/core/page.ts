import { html, type Reply } from './http.ts';

const STYLE =
  'body{font:16px/1.5 system-ui;max-width:26rem;margin:3rem auto;padding:0 1rem}label{display:block;margin:.4rem 0}button{font:inherit;padding:.5rem 1.5rem;margin-right:.5rem}small{color:#666}';

export function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export function page(status: number, title: string, body: string): Reply {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style>`;
  return html(status, `<!DOCTYPE html><html lang="en"><head>${head}</head><body>${body}</body></html>`);
}

/** A checkbox. A fixed one is always ticked, and is not sent. */
export function box(name: string, value: string, label: string, fixed: boolean): string {
  const disabled = fixed ? ' disabled' : '';
  return `<label><input type="checkbox" name="${name}" value="${escape(value)}" checked${disabled}> ${escape(label)}</label>`;
}
