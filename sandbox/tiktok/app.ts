import { isLoopback } from '../core/redirects.ts';

export interface App {
  clientKey: string;
  clientSecret: string;
  redirectUris: string[];
  webhookUrl: string | null;
  /** The scopes that it is approved for; absent: all. */
  scopes?: string[] | undefined;
}

export const ALL_SCOPES = [
  'user.info.basic',
  'user.info.profile',
  'user.info.stats',
  'video.list',
  'video.upload',
  'video.publish',
];

/** A loopback redirect makes it a desktop app, which must use PKCE (tiktok-facts 2.3 and 2.4). */
export function isDesktop(redirectUri: string): boolean {
  return isLoopback(new URL(redirectUri.replace(':*/', ':1/')).hostname);
}

/** tiktok-facts 2.4, checked when the app is registered. */
export function checkRedirectUris(uris: string[]): void {
  if (uris.length > 10) throw new Error('TikTok: at most 10 redirect URIs');
  for (const uri of uris) {
    const problem = redirectProblem(uri);
    if (problem !== null) throw new Error(`TikTok: redirect URI ${uri} ${problem}`);
  }
}

function redirectProblem(uri: string): string | null {
  const plain = uri.replace(':*/', ':1/');
  if (!URL.canParse(plain)) return 'is not an absolute URL';
  const url = new URL(plain);
  if (uri.length >= 512) return 'has 512 characters or more';
  if (uri.includes('?') || uri.includes('#')) return 'has a query or a fragment';
  if (!isLoopback(url.hostname)) return url.protocol === 'https:' ? null : 'is not https';
  if (!['http:', 'https:'].includes(url.protocol)) return 'is neither http nor https';
  return /^https?:\/\/[^/]+:(\d+|\*)(\/|$)/.test(uri) ? null : 'names no port';
}
