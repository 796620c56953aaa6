/** A move from or into a PostgreSQL database: read in one snapshot through a cursor, written as arrays that come apart. */
import type pg from 'pg';
import { is } from '../drizzle.ts';
import { type MovedRow, type MoveSource, type MoveTarget, movedTables, TOGETHER } from '../moving.ts';
import { connect } from './database.ts';
import { getTableConfig, PgTable } from './drizzle.ts';
import * as schema from './schema.ts';

const ALL = Object.values(schema)
  .filter((value) => is(value, PgTable))
  .map((table) => {
    const { name, columns, primaryKeys } = getTableConfig(table);
    const key = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary);
    return {
      name,
      columns: columns.map((column) => column.name),
      key: key.map((column) => column.name),
      types: new Map(columns.map((column) => [column.name, column.getSQLType()])),
      /** Numbered by the database, which must go on behind the last number. */
      numbered: columns.find(({ generatedIdentity }) => generatedIdentity !== undefined)?.name,
    };
  });

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');
const tableOf = (name: string) => {
  const table = ALL.find((one) => one.name === name);
  if (table === undefined) throw new RangeError(`no table ${name}`);
  return table;
};

export async function postgresMoveSource(url: string): Promise<MoveSource> {
  const client = await connect(url);
  await client.query('SET idle_in_transaction_session_timeout = 0');
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const keyId = (await client.query<{ key_id: Buffer | null }>('SELECT key_id FROM log')).rows[0]?.key_id ?? null;
  return {
    tables: movedTables(ALL),
    async count({ name }) {
      const { rows } = await client.query<{ count: number }>(`SELECT count(*) FROM "${name}"`);
      return rows[0]?.count ?? 0;
    },
    async *rows({ name, columns }) {
      const order = quoted(tableOf(name).key);
      await client.query(`DECLARE moving CURSOR FOR SELECT ${quoted(columns)} FROM "${name}" ORDER BY ${order}`);
      for (;;) {
        const { rows } = await client.query<unknown[]>({ text: `FETCH ${TOGETHER} FROM moving`, rowMode: 'array' });
        if (rows.length > 0) yield rows;
        if (rows.length < TOGETHER) break;
      }
      await client.query('CLOSE moving');
    },
    async leave(to, size) {
      await client.query('COMMIT');
      const leave = 'UPDATE log SET moved = $1 WHERE size = $2 AND key_id IS NOT DISTINCT FROM $3';
      return (await client.query(leave, [to, size, keyId])).rowCount === 1;
    },
    close: () => client.end(),
  };
}

export async function postgresMoveTarget(url: string): Promise<MoveTarget> {
  const client = await connect(url);
  await client.query('SET idle_in_transaction_session_timeout = 0');
  await client.query('BEGIN');
  await client.query('DELETE FROM log WHERE size = 0');
  return {
    async occupied() {
      for (const { name } of movedTables(ALL)) {
        if ((await client.query(`SELECT 1 FROM "${name}" LIMIT 1`)).rows.length > 0) return name;
      }
      return undefined;
    },
    async add({ name, columns }, rows) {
      const { types } = tableOf(name);
      const arrays = columns.map((column, i) => `$${i + 1}::${types.get(column)}[]`).join(', ');
      // Numbers that the database has given move with their rows.
      const text = `INSERT INTO "${name}" (${quoted(columns)}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${arrays})`;
      await client.query({ name: `paraphe_move_${name}`, text, values: columns.map((_, i) => columnOf(rows, i)) });
    },
    async commit() {
      for (const table of ALL) await goOnNumbering(client, table);
      await client.query('COMMIT');
      await client.query('ANALYZE');
    },
    close: () => client.end(),
  };
}

function columnOf(rows: readonly MovedRow[], at: number): readonly unknown[] {
  return rows.map((row) => row[at]);
}

async function goOnNumbering(client: pg.Client, { name, numbered }: (typeof ALL)[number]): Promise<void> {
  if (numbered === undefined) return;
  await client.query(
    `SELECT setval(pg_get_serial_sequence('"${name}"', '${numbered}'), max("${numbered}")) FROM "${name}"`,
  );
}
