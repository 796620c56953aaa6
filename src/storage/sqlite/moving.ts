/** A move from or into a SQLite file. All of it is synchronous; a target's rows wait in its WAL until the commit. */
import { is } from '../drizzle.ts';
import { type MovedRow, type MoveSource, type MoveTarget, movedTables, TOGETHER } from '../moving.ts';
import type { Sqlite } from './database.ts';
import { getTableConfig, SQLiteTable } from './drizzle.ts';
import * as schema from './schema.ts';

const ALL = Object.values(schema)
  .filter((value) => is(value, SQLiteTable))
  .map((table) => {
    const { name, columns, primaryKeys } = getTableConfig(table);
    const key = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary);
    return { name, columns: columns.map((column) => column.name), key: key.map((column) => column.name) };
  });

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');

export function sqliteMoveSource(database: Sqlite): MoveSource {
  const client = database.$client;
  const keyId = client.prepare('SELECT key_id FROM log').pluck().get() ?? null;
  return {
    tables: movedTables(ALL),
    count: async ({ name }) => client.prepare<[], number>(`SELECT count(*) FROM "${name}"`).pluck().get() ?? 0,
    async *rows({ name, columns }) {
      const key = ALL.find((table) => table.name === name)?.key ?? [];
      const all = client
        .prepare<[], MovedRow>(`SELECT ${quoted(columns)} FROM "${name}" ORDER BY ${quoted(key)}`)
        .raw();
      let together: MovedRow[] = [];
      for (const row of all.iterate()) {
        together.push(row);
        if (together.length < TOGETHER) continue;
        yield together;
        together = [];
      }
      if (together.length > 0) yield together;
    },
    leave: async (to, size) =>
      client.prepare('UPDATE log SET moved = ? WHERE size = ? AND key_id IS ?').run(to, size, keyId).changes === 1,
    close: async () => void client.close(),
  };
}

export function sqliteMoveTarget(database: Sqlite): MoveTarget {
  const client = database.$client;
  client.exec('BEGIN IMMEDIATE');
  client.exec('DELETE FROM log WHERE size = 0');
  client.pragma('defer_foreign_keys = ON');
  return {
    occupied: async () =>
      movedTables(ALL).find(({ name }) => client.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).get())?.name,
    async add({ name, columns }, rows) {
      const places = columns.map(() => '?').join(', ');
      const insert = client.prepare(`INSERT INTO "${name}" (${quoted(columns)}) VALUES (${places})`);
      for (const row of rows) insert.run(row.map((value) => (typeof value === 'boolean' ? Number(value) : value)));
    },
    commit: async () => void client.exec('COMMIT'),
    close: async () => void client.close(),
  };
}
