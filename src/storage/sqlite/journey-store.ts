/** Journeys on SQLite, in plain SQL: each step of each journey comes by here, and a mapper takes longer than SQLite does. */
import { setImmediate } from 'node:timers/promises';
import type { JourneyStore } from '../../web/ports.ts';
import { act, type Sqlite } from './database.ts';
import type { Write } from './turn.ts';

/** At hundreds of logins a second, one sweep of a minute's rows would hold up everyone. */
const PORTION = 500;

export function sqliteJourneyStore({ $client: client }: Sqlite, write: Write): JourneyStore {
  const claim = client.prepare<[Uint8Array, number, number]>(
    'INSERT INTO claims (id, claimed, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const claimed = client.prepare<[Uint8Array], number>('SELECT claimed FROM claims WHERE id = ?').pluck();
  const save = client.prepare<[Uint8Array, Uint8Array, number]>(
    `INSERT INTO journeys (id, content, expires) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET content = excluded.content, expires = excluded.expires`,
  );
  const find = client
    .prepare<[Uint8Array, number], Buffer>('SELECT content FROM journeys WHERE id = ? AND expires > ?')
    .pluck();
  const forget = client.prepare<[number, Uint8Array]>('UPDATE journeys SET expires = min(expires, ?) WHERE id = ?');
  const count = client
    .prepare<[number, number], number>('SELECT count(*) FROM (SELECT 1 FROM journeys WHERE expires > ? LIMIT ?)')
    .pluck();
  const sweepers = ['journeys', 'claims'].map((table) =>
    client.prepare<[number]>(
      `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires <= ? LIMIT ${PORTION})`,
    ),
  );

  return {
    claim: (id, now, expires) =>
      write(() => (claim.run(id, now, expires).changes === 1 ? undefined : (claimed.get(id) ?? now))),
    save: (id, content, expires) => write(() => void save.run(id, content, expires)),
    find: (id, now) => act(() => find.get(id, now)),
    forget: (id, by) => write(() => void forget.run(by, id)),
    count: (now, most) => act(() => count.get(now, most) ?? 0),
    async sweep(now) {
      for (const sweeper of sweepers) {
        while ((await act(() => sweeper.run(now).changes)) === PORTION) await setImmediate();
      }
    },
  };
}
