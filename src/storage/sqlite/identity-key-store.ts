import { hash } from 'node:crypto';
import { dayNumber } from '../../clock.ts';
import type { IdentityKeyArchive } from '../../identity/ports.ts';
import { act, type Sqlite } from './database.ts';
import { identityKeys } from './schema.ts';

export function sqliteIdentityKeyArchive(database: Sqlite): IdentityKeyArchive {
  return {
    keep: async (issuer, jwks, seen) =>
      act(() => {
        const row = { hash: hash('sha256', jwks, 'buffer'), issuer, jwks: Buffer.from(jwks), seen: dayNumber(seen) };
        database.insert(identityKeys).values(row).onConflictDoNothing().run();
      }),
  };
}
