/** The processes that chaos kills. */
export const ROLES = ['worker', 'server', 'temporal', 'postgres'] as const;
export type Role = (typeof ROLES)[number];
