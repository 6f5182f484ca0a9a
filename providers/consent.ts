/**
 * The policy sources for a consent page at `baseUrl`: its origin and, for the real platform, the domains that it
 * redirects through (its login, its mobile site, its newer name).
 */
export function consentSources(baseUrl: string, domains: readonly string[]): string[] {
  const { origin, hostname } = new URL(baseUrl);
  const isReal = domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
  return [
    origin,
    ...(isReal ? domains.flatMap((domain) => [`https://${domain}`, `https://*.${domain}`]) : []),
  ];
}
