import ipaddr from 'ipaddr.js';
import { contentProblem, type RequestProblem } from './request-problem.ts';

/** The rules for URLs that a provider fetches files from. */
export interface AddressRules {
  /** Whether http, IP addresses and local names are allowed (development). */
  allowPrivate: boolean;
}

const LONGEST = 2000;
/** Names of this machine or its network. */
const LOCAL_NAME = /(^|\.)(localhost|local|internal|lan|home\.arpa)$/;

/** The problem with a URL that a provider is to fetch media from, or null. */
export function mediaUrlProblem(text: string, { allowPrivate }: AddressRules): string | null {
  const url = URL.parse(text);
  if (url === null || text.length > LONGEST) return 'must be an absolute URL';
  if (url.username !== '' || url.password !== '') return 'must not hold credentials';
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'must be https';
  if (allowPrivate) return null;
  const host = url.hostname.replace(/\.$/, '');
  if (ipaddr.isValid(host.replace(/^\[|\]$/g, ''))) return 'must have a host name, not an address';
  return LOCAL_NAME.test(host) || !host.includes('.') ? 'must have a public host name' : null;
}

/** The problem of a file's URL. @param message from {@link mediaUrlProblem} */
export function addressProblem(field: string, message: string): RequestProblem {
  return contentProblem('The file’s URL', field, message);
}
