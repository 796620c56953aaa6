import type { PetitionId } from '../../petitions/petition.ts';
import type { SiteId } from '../../provider/site.ts';
import { checkRewrappable, isSameKey, type Standing, type WrappedSecrets } from '../wrapped-secrets.ts';
import type { Database, Statement, Transaction } from './database.ts';
import { keyId } from './log-statements.ts';

type KeyRow = { readonly key_id: Buffer | null };
type PetitionRow = { readonly id: PetitionId; readonly wrapped: Buffer };
type SiteRow = { readonly id: SiteId; readonly wrappedKey: Buffer; readonly sealedSecret: Buffer | null };

const statement = (name: string, text: string): Statement => ({ name: `paraphe_${name}`, text });

/** Whoever rewraps waits until this transaction ends. */
const keepKeyId = statement('keep_key_id', 'SELECT key_id FROM log FOR SHARE');
/** Nobody adds a secret, nor an entry, until this transaction ends. */
const lockKeyId = statement('lock_key_id', 'SELECT key_id, moved FROM log FOR UPDATE');
const petitions = statement(
  'wrapped_petitions',
  'SELECT id, wrapped_secret AS wrapped FROM petitions WHERE wrapped_secret IS NOT NULL',
);
const sites = statement(
  'wrapped_sites',
  'SELECT id, wrapped_key AS "wrappedKey", sealed_secret AS "sealedSecret" FROM sites FOR UPDATE',
);
const putPetition = statement('put_wrapped_petition', 'UPDATE petitions SET wrapped_secret = $1 WHERE id = $2');
const putSite = statement('put_wrapped_site', 'UPDATE sites SET wrapped_key = $1, sealed_secret = $2 WHERE id = $3');
const removeSite = statement('remove_wrapped_site', 'DELETE FROM sites WHERE id = $1');
const putKeyId = statement('put_key_id', 'UPDATE log SET key_id = $1');

/** Whether a secret under that key may be added in this transaction: the data are under it until the transaction ends. */
export async function keepsKey(transaction: Transaction, id: Uint8Array): Promise<boolean> {
  const [log] = (await transaction.run<KeyRow>(keepKeyId)).rows;
  return isSameKey(log?.key_id, id);
}

/** @param petitionsChanged called after their secrets were rewrapped */
export function postgresWrappedSecrets(database: Database, petitionsChanged: () => void): WrappedSecrets {
  return {
    async keyId() {
      const [log] = await database.rows<KeyRow>(keyId);
      return log?.key_id ?? undefined;
    },
    async rewrap(by) {
      await database.transact(async (transaction) => {
        checkRewrappable((await transaction.run<Standing>(lockKeyId)).rows[0], by);
        for (const { id, wrapped } of (await transaction.run<PetitionRow>(petitions)).rows) {
          transaction.run(putPetition, by.petition(id, wrapped) ?? null, id);
        }
        for (const { id, wrappedKey, sealedSecret } of (await transaction.run<SiteRow>(sites)).rows) {
          const secrets = by.site({ id, wrappedKey, sealedSecret: sealedSecret ?? undefined });
          if (secrets === undefined) transaction.run(removeSite, id);
          else transaction.run(putSite, secrets.wrappedKey, secrets.sealedSecret ?? null, id);
        }
        transaction.run(putKeyId, by.to);
      });
      petitionsChanged();
    },
  };
}
