import { readFileSync } from 'node:fs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { platformOf } from '../providers/index.ts';

/* What all pages share: the frame, the style, and the policy that browsers enforce. */

/** A page: its title, which is also its only h1, and the HTML below it. Escape every text in the HTML with `escape`. */
export interface Page {
  title: string;
  body: string;
}

/** Address of the style sheet; a file, because the policy allows no inline styles. */
export const STYLE_PATH = '/style.css';
export const STYLE = readFileSync(new URL('style.css', import.meta.url), 'utf8');

declare module 'fastify' {
  interface FastifyInstance {
    /** The consent pages of all configured providers, as sources of a policy. */
    consentSources: readonly string[];
  }
}

/** The policy of every page. @param formTargets further addresses that a form's redirects may lead to */
function policy(formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    // Browsers check every redirect that follows a form: with 'self' alone, no form reaches a consent page.
    ["form-action 'self'", ...new Set(formTargets)].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/** A platform's name as people know it. */
export function titled(provider: string): string {
  return platformOf(provider)?.about.title ?? 'The platform';
}

/** The state of a creator's request to delete their data. */
export function deletionPage({
  provider,
  completedAt,
}: {
  provider: string;
  completedAt: Date | null;
}): Page {
  return completedAt === null
    ? {
        title: 'Deletion in progress',
        body: `${paragraph(`The data of your ${titled(provider)} account is being deleted from this server.`)}${note('Check again in a few minutes.')}`,
      }
    : {
        title: 'Deleted',
        body: `${paragraph(`The data of your ${titled(provider)} account has been deleted from this server.`)}${note(completedAt.toISOString())}`,
      };
}

/**
 * Answers with a page that no cache keeps; its address is never sent as a referrer.
 * @param formTargets where its form may lead, besides the consent pages
 */
export function showPage(
  reply: FastifyReply,
  status: number,
  { title, body }: Page,
  formTargets: readonly string[] = [],
): FastifyReply {
  return reply
    .code(status)
    .header('content-security-policy', policy([...reply.server.consentSources, ...formTargets]))
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .type('text/html; charset=utf-8')
    .serializer((text: string) => text)
    .send(
      `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} - Everpost</title>
<link rel="stylesheet" href="${upFrom(reply)}${STYLE_PATH.slice(1)}">
</head>
<body><main><h1>${escape(title)}</h1>${body}</main></body>
</html>
`,
    );
}

/** The way from the page's address up to the root, whatever prefix a proxy adds. */
function upFrom({ request }: FastifyReply): string {
  const [path = ''] = request.url.split('?');
  return '../'.repeat(path.split('/').length - 2);
}

/**
 * Whether the client names JSON before HTML. A browser names text/html first; scripts name JSON or nothing in
 * particular.
 */
export function wantsJson({ headers: { accept = '*/*' } }: FastifyRequest): boolean {
  const htmlAt = accept.indexOf('text/html');
  const json = accept.indexOf('application/json');
  return json >= 0 ? htmlAt < 0 || json < htmlAt : false;
}

/** Whether the client is a browser. */
export function prefersPage(request: FastifyRequest): boolean {
  return !wantsJson(request) && (request.headers.accept ?? '').includes('text/html');
}

export const paragraph = (text: string): string => `<p>${escape(text)}</p>`;
export const note = (text: string): string => `<p><small>${escape(text)}</small></p>`;

/** Escapes text for HTML elements and quoted attributes. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}
