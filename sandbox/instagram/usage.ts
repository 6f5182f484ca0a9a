import { refuseGraph } from '../meta/errors.ts';
import { grantedPages, type Instagram } from './context.ts';
import type { Token } from './people.ts';
import type { Usage } from './state.ts';

/** The account that a token speaks for: its own, or that of its page. */
function accountIdOf(instagram: Instagram, { holder, kind, pageId }: Token): string | null {
  if (kind === 'login') return holder;
  const pages = grantedPages(instagram, holder).filter(({ id }) => kind === 'user' || id === pageId);
  return pages.find(({ instagramId }) => instagramId !== null)?.instagramId ?? null;
}

interface Told {
  accountId: string;
  usage: Usage;
}

/** The usage that a test set for the account of a token. */
export function usageOf(instagram: Instagram, held: Token): Told | null {
  const accountId = accountIdOf(instagram, held);
  const usage = accountId === null ? undefined : instagram.state.usage[accountId];
  return accountId === null || usage === undefined ? null : { accountId, usage };
}

function percents(value: number): object {
  return { call_count: value, total_cputime: value, total_time: value };
}

/** instagram-facts 6: percents, and the minutes until a throttled account is served again. */
export function usageHeadersOf({ accountId, usage }: Told): Record<string, string> {
  const { app, business, minutes } = usage;
  const told = { type: 'instagram', ...percents(business ?? 0), estimated_time_to_regain_access: minutes };
  return {
    ...(app === null ? {} : { 'x-app-usage': JSON.stringify(percents(app)) }),
    ...(business === null ? {} : { 'x-business-use-case-usage': JSON.stringify({ [accountId]: [told] }) }),
  };
}

/** At 100 percent every call is refused, with the headers. */
export function requireUsageBelow100(instagram: Instagram, held: Token): void {
  const told = usageOf(instagram, held);
  if (told === null || (told.usage.business ?? 0) < 100) return;
  refuseGraph({
    code: 80_002,
    message: '(#80002) There have been too many calls to this Instagram account.',
    status: instagram.options.throttleStatus,
    headers: usageHeadersOf(told),
  });
}
