/** Sites are read ten times a second at most, and what changes is seen by the next reading. */
import { createSecretKey, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KeyEncryptionKey } from '../../src/key-encryption.ts';
import { keepSites } from '../../src/provider/kept-sites.ts';
import type { SiteStore } from '../../src/provider/ports.ts';
import { removeSite, rotateSiteSecret } from '../../src/provider/register-site.ts';
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

test('a new secret, and a removal, are said done when no gateway serves by what it read an instant before', async () => {
  vi.useRealTimers();
  let stored: Site | undefined = { ...named('ville'), auth: 'client_secret_basic' } as Site;
  const get = keepSites({ find: async () => stored });
  const sites = {
    find: async () => stored,
    async replaceSecret(_id: SiteId, sealedSecret: Uint8Array) {
      await get(ID);
      stored = { ...stored!, sealedSecret };
      return 'replaced';
    },
    async remove() {
      await get(ID);
      stored = undefined;
      return true;
    },
  } as unknown as SiteStore;
  await rotateSiteSecret({ sites, keyEncryptionKey: new KeyEncryptionKey(createSecretKey(randomBytes(32))) }, ID);
  expect((await get(ID))?.sealedSecret).toBeInstanceOf(Uint8Array);
  await removeSite({ sites }, ID);
  expect(await get(ID)).toBeUndefined();
});
