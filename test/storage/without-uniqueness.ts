import Database from 'better-sqlite3';

/** The negative control of "one person, one signature": the same table with the same rows, and nothing that decides. */
export function dropUniqueness(file: string): void {
  const database = new Database(file);
  try {
    database.exec(
      'CREATE TABLE loose AS SELECT * FROM signatures; DROP TABLE signatures; ALTER TABLE loose RENAME TO signatures;',
    );
  } finally {
    database.close();
  }
}
