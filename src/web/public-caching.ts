/**
 * For how long a public page may be kept: what it shows changes when the log is published, so it is fresh for that interval,
 * at most a minute, and a cache may hand out the last one while it fetches the next (RFC 5861).
 */
export function publicCaching(publishEveryMs: number): string {
  const fresh = Math.min(60, Math.max(1, Math.floor(publishEveryMs / 1000)));
  return `public, max-age=${fresh}, stale-while-revalidate=${Math.max(30, fresh)}`;
}
