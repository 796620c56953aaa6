import type { ProviderRows } from '../../provider/ports.ts';
import type { Database } from './database.ts';

const PORTION = 5000;
const named = (name: string, text: string) => ({ name: `paraphe_provider_${name}`, text });

const SAVE = named(
  'save',
  `INSERT INTO provider_rows (id, content, expires) VALUES ($1, $2, $3)
   ON CONFLICT (id) DO UPDATE SET content = excluded.content, expires = excluded.expires`,
);
const FIND = named('find', 'SELECT content, consumed FROM provider_rows WHERE id = $1 AND expires > $2');
const CONSUME = named(
  'consume',
  'UPDATE provider_rows SET consumed = $2 WHERE id = $1 AND consumed IS NULL RETURNING 1 AS consumed',
);
const REMOVE = named('remove', 'DELETE FROM provider_rows WHERE id = $1');
const SWEEP = named(
  'sweep',
  `DELETE FROM provider_rows WHERE id IN
     (SELECT id FROM provider_rows WHERE expires <= $1 LIMIT ${PORTION} FOR UPDATE SKIP LOCKED) RETURNING 1 AS swept`,
);

export function postgresProviderRows(database: Database): ProviderRows {
  return {
    async save(id, content, expires) {
      await database.rows(SAVE, id, content, expires);
    },
    async find(id, now) {
      const [row] = await database.rows<{ content: Buffer; consumed: number | null }>(FIND, id, now);
      return row && { content: row.content, consumed: row.consumed ?? undefined };
    },
    consume: async (id, now) => (await database.rows(CONSUME, id, now)).length === 1,
    async remove(id) {
      await database.rows(REMOVE, id);
    },
    async sweep(now) {
      while ((await database.rows(SWEEP, now)).length === PORTION);
    },
  };
}
