import type { Permissions } from '../providers/permissions.ts';
import { inWords } from '../providers/permissions.ts';
import type { Asker } from './connect-attempt.ts';
import type { ConnectFailure } from './connect.ts';
import { ApiError } from './errors.ts';
import { cleanName } from './names.ts';
import { escape, note, type Page, paragraph, titled } from './pages.ts';

/* The pages in a creator's browser between the link and a connected account. */

/** Shows who asks for access to what, before the provider's own page. Only its form leads on. */
export function landingPage({
  provider,
  permissions,
  asker,
  fields,
}: {
  provider: string;
  permissions: Permissions;
  asker: Asker;
  /** Hidden fields of the form. */
  fields: Readonly<Record<string, string | null>>;
}): Page {
  const title = titled(provider);
  const lines = new Set(permissions.asked.map((scope) => inWords(permissions, scope)));
  const hidden = Object.entries(fields)
    .filter((field): field is [string, string] => field[1] !== null)
    .map(([field, value]) => `<input type="hidden" name="${escape(field)}" value="${escape(value)}">`);
  return {
    title: `Connect ${title}`,
    body: `<p>${person(asker.name)} asks to:</p>
<ul>${[...lines].map((line) => `<li>${escape(line)}</li>`).join('')}</ul>${behind(asker)}
<form method="post" action="${escape(provider)}">${hidden.join('')}<button>Continue to ${escape(title)}</button></form>
${note(`If you do not know who this is, close this page. Nothing is connected yet.`)}`,
  };
}

/** The sender of a link may use any name, even the platform's: the page says whose name it is. */
function behind({ behind: known }: Asker): string {
  if (known === null) return '';
  const user = known.user === null ? 'a user' : person(known.user);
  return `
<p>The sender of this link chose this name: ${user} of ${escape(known.host)}.</p>`;
}

const person = (name: string): string => `<bdi>${escape(cleanName(name))}</bdi>`;

/** The page of connected accounts. */
export function successPage(
  accounts: readonly { provider: string; username: string | null; displayName: string | null }[],
): Page {
  const names = accounts.map(({ username, displayName, provider }) => {
    const handle = username === null ? '' : `@${cleanName(username)}`;
    const shown = cleanName(displayName ?? '');
    const name = shown === '' ? handle || 'your account' : handle === '' ? shown : `${shown} (${handle})`;
    return `<bdi>${escape(name)}</bdi>, ${titled(provider)}`;
  });
  return {
    title: 'Connected',
    body: `<p>Connected: ${names.join('; ')}.</p>${paragraph('You can close this page.')}`,
  };
}

/** A failed attempt, for programs and for the creator. */
export interface Failed {
  error: ApiError;
  /** A sentence: what happened. */
  said: string;
  /** A sentence: what to do. */
  help: string;
}

/** The page of a failed attempt. @param again the address for another try; null: there is none */
export function failurePage({ error: { code }, said, help }: Failed, again: string | null): Page {
  const button = again === null ? '' : `<p><a class="button" href="${escape(again)}">Try again</a></p>`;
  return {
    title: 'Not connected',
    body: `${paragraph(said)}${paragraph(help)}${button}${note(`Code: ${code}`)}`,
  };
}

/** A failed attempt in words. */
export function failedAttempt(
  failure: ConnectFailure,
  provider: string,
  permissions: Permissions | null,
): Failed {
  const { status = 400, retryable = true, ...words } = wordsOf(failure, titled(provider), permissions);
  const { message, said, help } = words;
  const details =
    'details' in failure ? failure.details : 'scopes' in failure ? { scopes: failure.scopes } : {};
  const userMessage = `${said} ${help}`;
  return {
    error: new ApiError({ code: failure.code, status, message, userMessage, retryable, details }),
    said,
    help,
  };
}

interface Words {
  status?: number;
  retryable?: boolean;
  /** For programs. */
  message: string;
  said: string;
  help: string;
}

function wordsOf(failure: ConnectFailure, title: string, permissions: Permissions | null): Words {
  switch (failure.code) {
    case 'invalid_link':
      return {
        retryable: false,
        message: 'the link is unknown, used up or expired',
        said: 'This link has been used or has expired.',
        help: 'Ask the person who sent it for a new one.',
      };
    case 'cross_origin':
      return {
        status: 403,
        message: 'another site sent the form',
        said: 'Another site tried to start this connection.',
        help: 'Open the link again and press the button on its page.',
      };
    case 'cookie_missing':
      return {
        status: 403,
        message:
          'the form came without its page’s cookie or the matching proof: GET this address first, then send its cookie and hidden fields',
        said: 'This browser did not send this page’s cookie.',
        help: 'Allow cookies for this site, open the link again and press the button on its page.',
      };
    case 'invalid_state':
      return {
        message: 'the state is unknown, used up, expired or from another browser',
        said: 'This attempt to connect has expired, has already finished, or was started in another browser.',
        help: 'Start again from the link or the app that sent you here, and stay in the same browser.',
      };
    case 'access_denied':
      return {
        message: 'the creator did not agree',
        said: 'You did not allow the connection, so nothing was connected.',
        help: 'Start again if that was a mistake.',
      };
    case 'no_professional_account':
      return {
        message: 'no granted Page has a professional account linked to it',
        said: `No professional ${title} account was found.`,
        help: `Switch the account to Business or Creator in the ${title} app, link it to a Facebook Page that you manage, choose that Page in the dialog, and start again.`,
      };
    case 'missing_scopes': {
      const { scopes } = failure;
      const words = scopes.map((scope) => (permissions === null ? scope : inWords(permissions, scope)));
      return {
        message: `permissions are missing: ${scopes.join(', ')}`,
        said: `These permissions were not granted: ${words.join(', ')}.`,
        help: 'Nothing was connected. Start again and leave all permissions on.',
      };
    }
    case 'provider_error':
      return failure.unavailable
        ? {
            status: 502,
            message: 'the provider did not answer properly',
            said: `${title} is not responding at the moment.`,
            help: 'Start again in a few minutes.',
          }
        : {
            message: 'the provider refused',
            said: `${title} did not complete the connection.`,
            help: 'Start again; if it keeps happening, tell the person who sent you here.',
          };
  }
}
