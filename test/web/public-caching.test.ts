import { expect, test } from 'vitest';
import { publicCaching } from '../../src/web/public-caching.ts';

test.each([
  [100, 1, 30],
  [1000, 1, 30],
  [15_000, 15, 30],
  [60_000, 60, 60],
  [86_400_000, 60, 60],
])('published every %i ms, a page is fresh for %i s and may be stale for %i s', (every, fresh, stale) => {
  expect(publicCaching(every)).toBe(`public, max-age=${fresh}, stale-while-revalidate=${stale}`);
});
