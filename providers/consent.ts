/**
 * The sources for a consent page at `baseUrl`: its origin and, where it is the platform's own, the domains between which
 * the platform redirects on the way (to its login, its mobile site, its newer name).
 */
export function consentSources(baseUrl: string, domains: readonly string[]): string[] {
  const { origin, hostname } = new URL(baseUrl);
  const isReal = domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
  return [
    origin,
    ...(isReal ? domains.flatMap((domain) => [`https://${domain}`, `https://*.${domain}`]) : []),
  ];
}
