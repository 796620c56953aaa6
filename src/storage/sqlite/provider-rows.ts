import { setImmediate } from 'node:timers/promises';
import type { ProviderRows } from '../../provider/ports.ts';
import { act, type Sqlite } from './database.ts';
import type { Write } from './turn.ts';

const PORTION = 500;

type Row = { readonly content: Buffer; readonly consumed: number | null };

/** A login at a site asks a dozen times: the statements are SQLite's own, without the mapper's price on each. */
export function sqliteProviderRows({ $client: client }: Sqlite, write: Write): ProviderRows {
  const save = client.prepare(
    `INSERT INTO provider_rows (id, content, expires) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET content = excluded.content, expires = excluded.expires`,
  );
  const find = client.prepare<[Uint8Array, number], Row>(
    'SELECT content, consumed FROM provider_rows WHERE id = ? AND expires > ?',
  );
  const consume = client.prepare('UPDATE provider_rows SET consumed = ? WHERE id = ? AND consumed IS NULL');
  const remove = client.prepare('DELETE FROM provider_rows WHERE id = ?');
  const sweep = client.prepare(
    `DELETE FROM provider_rows WHERE id IN (SELECT id FROM provider_rows WHERE expires <= ? LIMIT ${PORTION})`,
  );

  return {
    save: (id, content, expires) => write(() => void save.run(id, content, expires)),
    find: (id, now) =>
      act(() => {
        const row = find.get(id, now);
        return row && { content: row.content, consumed: row.consumed ?? undefined };
      }),
    consume: (id, now) => write(() => consume.run(now, id).changes === 1),
    remove: (id) => write(() => void remove.run(id)),
    async sweep(now) {
      while ((await act(() => sweep.run(now).changes)) === PORTION) await setImmediate();
    },
  };
}
