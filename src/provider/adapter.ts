/**
 * oidc-provider's storage: clients are the registered sites, read anew each time; sessions are kept nowhere; everything else
 * is a sealed row. A grant has no row: each gives one code, so the code's row is the grant, and outlives the code until the
 * token that it gave has ended. A code serves once even when two requests bring it at the same instant: the database
 * decides, and whoever comes second takes the row away, without which the token is worth nothing.
 */
import { type Adapter, type AdapterFactory, type AdapterPayload, type AllClientMetadata, errors } from 'oidc-provider';
import type { SealedRows } from './sealed-rows.ts';

/** How long a token outlives its code, in seconds. */
type Lifetimes = { readonly token: number };

const CODE = 'AuthorizationCode';

export function sealedAdapter(
  rows: SealedRows,
  lifetimes: Lifetimes,
  findClient: (id: string) => Promise<AllClientMetadata | undefined>,
): AdapterFactory {
  return (kind) => {
    if (kind === 'Client') return { ...nothing, find: findClient };
    if (kind === 'Session') return nothing;
    if (kind === 'Grant') return grants(rows, lifetimes);
    return sealed(kind, rows, lifetimes);
  };
}

function sealed(kind: string, rows: SealedRows, { token }: Lifetimes): Adapter {
  return {
    ...nothing,
    upsert: (id, payload, seconds = 60) => rows.save(kind, id, payload, kind === CODE ? seconds + token : seconds),
    async find(id) {
      const row = await rows.find(kind, id);
      if (row === undefined) return undefined;
      const payload: AdapterPayload = { ...row.value, consumed: row.consumed };
      return kind === CODE ? { ...payload, grantId: id } : payload;
    },
    async consume(id) {
      if (await rows.consume(kind, id)) return;
      await rows.remove(kind, id);
      throw new errors.InvalidGrant('it was used already');
    },
    destroy: (id) => rows.remove(kind, id),
  };
}

/** A grant is named like its code: the library asks for it by the `grantId` of a code or of a token. */
function grants(rows: SealedRows, { token }: Lifetimes): Adapter {
  return {
    ...nothing,
    async find(id) {
      const row = await rows.find(CODE, id);
      if (row === undefined) return undefined;
      const { accountId, clientId, exp = 0 }: AdapterPayload = row.value;
      return { jti: id, accountId, clientId, openid: { scope: 'openid' }, exp: exp + token };
    },
    destroy: (id) => rows.remove(CODE, id),
  };
}

/**
 * Keeps nothing, finds nothing. User codes and session uids are for what is switched off; what stands on a grant is worth
 * nothing without it, and the library destroys the grant too.
 */
const nothing: Adapter = {
  upsert: async () => {},
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => {},
  destroy: async () => {},
  revokeByGrantId: async () => {},
};
