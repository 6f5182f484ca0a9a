import type { Plan } from '../providers/provider.ts';

/** The state of a post whose step `name` is done. */
export function stateAfter(plan: Plan, name: string): 'accepted' | 'transferring' | 'processing' {
  const next = plan[plan.findIndex((step) => step.name === name) + 1];
  return next?.kind === 'transfer' ? 'transferring' : 'processing';
}
