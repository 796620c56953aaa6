import type { JourneyStore } from '../../web/ports.ts';
import type { Database } from './database.ts';

const PORTION = 5000;
const named = (name: string, text: string) => ({ name: `paraphe_${name}`, text });

const CLAIM = named(
  'claim',
  'INSERT INTO claims (id, claimed, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING claimed',
);
const CLAIMED = named('claimed', 'SELECT claimed FROM claims WHERE id = $1');
const SAVE = named(
  'save_journey',
  `INSERT INTO journeys (id, content, expires) VALUES ($1, $2, $3)
   ON CONFLICT (id) DO UPDATE SET content = excluded.content, expires = excluded.expires`,
);
const FIND = named('find_journey', 'SELECT content FROM journeys WHERE id = $1 AND expires > $2');
const FORGET = named('forget_journey', 'UPDATE journeys SET expires = least(expires, $2) WHERE id = $1');
const COUNT = named(
  'count_journeys',
  'SELECT count(*) AS waiting FROM (SELECT 1 FROM journeys WHERE expires > $1 LIMIT $2) AS counted',
);
/** In portions, and past what someone else is at: a sweep holds up nobody, and two do not wait for each other. */
const SWEEPERS = ['journeys', 'claims'].map((table) =>
  named(
    `sweep_${table}`,
    `DELETE FROM ${table} WHERE id IN
       (SELECT id FROM ${table} WHERE expires <= $1 LIMIT ${PORTION} FOR UPDATE SKIP LOCKED) RETURNING 1 AS swept`,
  ),
);

export function postgresJourneyStore(database: Database): JourneyStore {
  return {
    async claim(id, now, expires) {
      if ((await database.rows(CLAIM, id, now, expires)).length === 1) return undefined;
      const [first] = await database.rows<{ claimed: number }>(CLAIMED, id);
      return first?.claimed ?? now;
    },
    async save(id, content, expires) {
      await database.rows(SAVE, id, content, expires);
    },
    async find(id, now) {
      return (await database.rows<{ content: Buffer }>(FIND, id, now))[0]?.content;
    },
    async forget(id, by) {
      await database.rows(FORGET, id, by);
    },
    async count(now, most) {
      return (await database.rows<{ waiting: number }>(COUNT, now, most))[0]?.waiting ?? 0;
    },
    async sweep(now) {
      for (const sweeper of SWEEPERS) {
        while ((await database.rows(sweeper, now)).length === PORTION);
      }
    },
  };
}
