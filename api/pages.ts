import type { FastifyReply } from 'fastify';
import type { Account } from '../db/accounts.ts';
import type { ConnectFailure } from './connect.ts';
import { ApiError } from './errors.ts';
import { PROVIDER_NAMES, type ProviderName } from '../providers/provider.ts';

/* What a creator's browser shows when there is nowhere to return to. */

/** A failed attempt in words: what happened and what to do. */
export function connectError(failure: ConnectFailure, provider: string): ApiError {
  const details =
    'details' in failure ? failure.details : 'scopes' in failure ? { scopes: failure.scopes } : {};
  const of = (status: number, message: string, userMessage: string, retryable = true) =>
    new ApiError({ code: failure.code, status, message, userMessage, retryable, details });
  switch (failure.code) {
    case 'invalid_link':
      return of(
        400,
        'the link is unknown, used up or expired',
        'This link has been used or has expired. Ask whoever sent it for a new one.',
        false,
      );
    case 'invalid_state':
      return of(
        400,
        'the state is unknown, used up or expired',
        'This attempt to connect has expired or was finished before. Start again from the link or the app that sent you here.',
      );
    case 'access_denied':
      return of(
        400,
        'the creator did not agree',
        `You did not allow the connection at ${titled(provider)}, so nothing was connected. Start again if that was a mistake.`,
      );
    case 'no_professional_account':
      return of(
        400,
        'no professional account is linked to a Page that was granted',
        'No professional Instagram account was found. Switch the account to Business or Creator in the Instagram app, link it to a Facebook Page that you manage, choose that Page in the dialog, and start again.',
      );
    case 'missing_scopes':
      return of(
        400,
        `permissions are missing: ${failure.scopes.join(', ')}`,
        `Some permissions were not granted (${failure.scopes.join(', ')}), so nothing was connected. Start again and leave every permission switched on.`,
      );
    case 'provider_error':
      return failure.unavailable
        ? of(
            502,
            'the provider did not answer as it should',
            `${titled(provider)} does not answer at the moment. Start again in a few minutes.`,
          )
        : of(
            400,
            'the provider refused',
            `${titled(provider)} did not complete the connection. Start again; if it stays, tell whoever sent you here.`,
          );
  }
}

/** The page of a failed attempt. */
export function failurePage(error: ApiError): string {
  return page('Not connected', error.userMessage, `Code: ${error.code}`);
}

/** The page of a connected account. */
export function successPage(accounts: readonly Account[]): string {
  const names = accounts.map(
    ({ username, displayName, provider }) =>
      `${displayName ?? username ?? 'your account'} (${titled(provider)})`,
  );
  return page('Connected', `Connected: ${names.join(', ')}. You can close this page.`, '');
}

const TITLES: Readonly<Record<ProviderName, string>> = {
  tiktok: 'TikTok',
  instagram: 'Instagram',
  threads: 'Threads',
};
const titled = (provider: string): string => {
  const name = PROVIDER_NAMES.find((known) => known === provider);
  return name === undefined ? 'The platform' : TITLES[name];
};

/** How a creator's request to have their data deleted stands. */
export function deletionPage({
  provider,
  completedAt,
}: {
  provider: string;
  completedAt: Date | null;
}): string {
  return completedAt === null
    ? page(
        'Being deleted',
        `The data of your ${titled(provider)} account is being deleted here.`,
        'Look again in a few minutes.',
      )
    : page(
        'Deleted',
        `The data of your ${titled(provider)} account has been deleted here.`,
        completedAt.toISOString(),
      );
}

export function showPage(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .serializer((text: string) => text)
    .send(html);
}

function page(title: string, text: string, note: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escape(title)} - Everpost</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem;color:#1b1b1f}
small{color:#6b6b76}@media (prefers-color-scheme:dark){body{background:#16161a;color:#eee}}</style>
<main><h1>${escape(title)}</h1><p>${escape(text)}</p><small>${escape(note)}</small></main>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}
