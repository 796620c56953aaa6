/**
 * oidc-provider's storage: clients are the registered sites, read anew each time; sessions are kept nowhere; everything else
 * is a sealed row. A code serves once even when two requests bring it at the same instant: the database decides.
 */
import { type Adapter, type AdapterFactory, type AdapterPayload, type AllClientMetadata, errors } from 'oidc-provider';
import type { SealedRows } from './sealed-rows.ts';

export function sealedAdapter(
  rows: SealedRows,
  findClient: (id: string) => Promise<AllClientMetadata | undefined>,
): AdapterFactory {
  return (kind) => {
    if (kind === 'Client') return { ...nothing, find: findClient };
    return kind === 'Session' ? nothing : sealed(kind, rows);
  };
}

function sealed(kind: string, rows: SealedRows): Adapter {
  return {
    ...nothing,
    upsert: (id, payload, seconds = 60) =>
      rows.save(kind, id, payload, seconds, kind === 'Grant' ? id : payload.grantId),
    async find(id) {
      const row = await rows.find(kind, id);
      if (row === undefined) return undefined;
      const payload: AdapterPayload = row.value;
      return row.consumed === undefined ? payload : { ...payload, consumed: row.consumed };
    },
    async consume(id) {
      if (await rows.consume(kind, id)) return;
      const row = await rows.find(kind, id);
      const { grantId }: AdapterPayload = row?.value ?? {};
      if (grantId !== undefined) await rows.revoke(grantId);
      throw new errors.InvalidGrant('it was used already');
    },
    destroy: (id) => rows.remove(kind, id),
    revokeByGrantId: (grantId) => rows.revoke(grantId),
  };
}

/** Keeps nothing, finds nothing. User codes and session uids are for what is switched off. */
const nothing: Adapter = {
  upsert: async () => {},
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => {},
  destroy: async () => {},
  revokeByGrantId: async () => {},
};
