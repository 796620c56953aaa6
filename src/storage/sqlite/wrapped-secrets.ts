import type { PetitionId } from '../../petitions/petition.ts';
import type { SiteId } from '../../provider/site.ts';
import { checkRewrappable, type Rewrapping, type Standing, type WrappedSecrets } from '../wrapped-secrets.ts';
import { act, type Sqlite } from './database.ts';

type PetitionRow = { readonly id: PetitionId; readonly wrapped: Buffer };
type SiteRow = { readonly id: SiteId; readonly wrappedKey: Buffer; readonly sealedSecret: Buffer | null };

/** @param petitionsChanged called after their secrets were rewrapped */
export function sqliteWrappedSecrets(database: Sqlite, petitionsChanged: () => void): WrappedSecrets {
  const client = database.$client;
  const keyId = client.prepare<[], Buffer | null>('SELECT key_id FROM log').pluck();
  const standing = client.prepare<[], Standing>('SELECT key_id, moved FROM log');
  const petitions = client.prepare<[], PetitionRow>(
    'SELECT id, wrapped_secret AS wrapped FROM petitions WHERE wrapped_secret IS NOT NULL',
  );
  const sites = client.prepare<[], SiteRow>(
    'SELECT id, wrapped_key AS wrappedKey, sealed_secret AS sealedSecret FROM sites',
  );
  const putPetition = client.prepare('UPDATE petitions SET wrapped_secret = ? WHERE id = ?');
  const putSite = client.prepare('UPDATE sites SET wrapped_key = ?, sealed_secret = ? WHERE id = ?');
  const removeSite = client.prepare('DELETE FROM sites WHERE id = ?');
  const putKeyId = client.prepare('UPDATE log SET key_id = ?');

  const rewrap = client.transaction((by: Rewrapping) => {
    checkRewrappable(standing.get(), by);
    for (const { id, wrapped } of petitions.all()) putPetition.run(by.petition(id, wrapped) ?? null, id);
    for (const { id, wrappedKey, sealedSecret } of sites.all()) {
      const secrets = by.site({ id, wrappedKey, sealedSecret: sealedSecret ?? undefined });
      if (secrets === undefined) removeSite.run(id);
      else putSite.run(secrets.wrappedKey, secrets.sealedSecret ?? null, id);
    }
    putKeyId.run(by.to);
  });
  return {
    keyId: () => act(() => keyId.get() ?? undefined),
    async rewrap(by) {
      await act(() => rewrap.immediate(by));
      petitionsChanged();
    },
  };
}
