import type { Permissions } from '../providers/permissions.ts';
import { inWords } from '../providers/permissions.ts';
import type { ConnectFailure } from './connect.ts';
import { ApiError } from './errors.ts';
import { cleanName } from './names.ts';
import { escape, note, type Page, paragraph, titled } from './pages.ts';

/* What a creator's browser shows on the way to a connected account. */

/** Who asks for what, before the provider's own page. Its form is the only way on. */
export function landingPage({
  provider,
  permissions,
  name,
  fields,
}: {
  provider: string;
  permissions: Permissions;
  /** Who asks. */
  name: string;
  /** What the form brings along, unseen. */
  fields: Readonly<Record<string, string | null>>;
}): Page {
  const title = titled(provider);
  const lines = new Set(permissions.asked.map((scope) => inWords(permissions, scope)));
  const hidden = Object.entries(fields)
    .filter((field): field is [string, string] => field[1] !== null)
    .map(([field, value]) => `<input type="hidden" name="${escape(field)}" value="${escape(value)}">`);
  return {
    title: `Connect ${title}`,
    body: `<p><bdi>${escape(cleanName(name))}</bdi> asks to:</p>
<ul>${[...lines].map((line) => `<li>${escape(line)}</li>`).join('')}</ul>
<form method="post" action="${escape(provider)}">${hidden.join('')}<button>Continue to ${escape(title)}</button></form>
${note(`If you do not know who this is, close this page: nothing has been connected.`)}`,
  };
}

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

/**
 * The page of a failed attempt.
 * @param again where the same can be tried again; null: only whoever has made the link can help
 */
export function failurePage({ userMessage, code }: ApiError, again: string | null): Page {
  const button = again === null ? '' : `<p><a class="button" href="${escape(again)}">Try again</a></p>`;
  return { title: 'Not connected', body: `${paragraph(userMessage)}${button}${note(`Code: ${code}`)}` };
}

/** A failed attempt in words: what happened and what to do. */
export function connectError(
  failure: ConnectFailure,
  provider: string,
  permissions: Permissions | null,
): ApiError {
  const details =
    'details' in failure ? failure.details : 'scopes' in failure ? { scopes: failure.scopes } : {};
  const of = (status: number, message: string, userMessage: string, retryable = true) =>
    new ApiError({ code: failure.code, status, message, userMessage, retryable, details });
  const title = titled(provider);
  switch (failure.code) {
    case 'invalid_link':
      return of(
        400,
        'the link is unknown, used up or expired',
        'This link has been used or has expired. Ask whoever sent it for a new one.',
        false,
      );
    case 'cross_origin':
      return of(
        403,
        'the form was sent from another site',
        'Another site has tried to start this. Open the link again, and press the button on its page.',
      );
    case 'invalid_state':
      return of(
        400,
        'the state is unknown, used up, expired, or was begun in another browser',
        'This attempt to connect has expired, was finished before, or was begun in another browser. Start again from the link or the app that sent you here, and stay in one browser.',
      );
    case 'access_denied':
      return of(
        400,
        'the creator did not agree',
        `You did not allow the connection, so nothing was connected. Start again if that was a mistake.`,
      );
    case 'no_professional_account':
      return of(
        400,
        'no professional account is linked to a Page that was granted',
        'No professional Instagram account was found. Switch the account to Business or Creator in the Instagram app, link it to a Facebook Page that you manage, choose that Page in the dialog, and start again.',
      );
    case 'missing_scopes': {
      const words = failure.scopes.map((scope) =>
        permissions === null ? scope : inWords(permissions, scope),
      );
      return of(
        400,
        `permissions are missing: ${failure.scopes.join(', ')}`,
        `These permissions were not granted: ${words.join(', ')}. Nothing was connected. Start again and leave them switched on.`,
      );
    }
    case 'provider_error':
      return failure.unavailable
        ? of(
            502,
            'the provider did not answer as it should',
            `${title} does not answer at the moment. Start again in a few minutes.`,
          )
        : of(
            400,
            'the provider refused',
            `${title} did not complete the connection. Start again; if it stays, tell whoever sent you here.`,
          );
  }
}
