/** Sites are read ten times a second at most, and what changes is seen by the next reading. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepSites } from '../../src/provider/kept-sites.ts';
import type { Site, SiteId } from '../../src/provider/site.ts';

const ID = 'ville' as SiteId;
const named = (name: string) => ({ id: ID, name }) as Site;

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('a site is read once for all who ask within a tenth of a second, and anew after it', async () => {
  const find = vi.fn(async (): Promise<Site | undefined> => named('before'));
  const get = keepSites({ find });
  expect(await Promise.all([get(ID), get(ID), get(ID)])).toEqual([named('before'), named('before'), named('before')]);
  expect(find).toHaveBeenCalledTimes(1);
  find.mockResolvedValue(undefined); // it is removed
  vi.advanceTimersByTime(99);
  expect(await get(ID)).toEqual(named('before'));
  vi.advanceTimersByTime(1);
  expect(await get(ID)).toBeUndefined();
});

test('a site that is not there, or cannot be read, is asked for again at once', async () => {
  const find = vi.fn(async (): Promise<Site | undefined> => undefined);
  const get = keepSites({ find });
  expect(await get(ID)).toBeUndefined();
  find.mockRejectedValueOnce(new Error('the database is away'));
  await expect(get(ID)).rejects.toThrow('away');
  find.mockResolvedValue(named('new'));
  expect(await get(ID)).toEqual(named('new'));
});
