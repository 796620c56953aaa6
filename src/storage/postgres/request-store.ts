/** Requests to the process that writes the log, in an UNLOGGED table: what is told is told by NOTIFY in the same act. */
import type { PetitionAct, PetitionOutcome } from '../../petitions/acts.ts';
import type { RequestStore } from '../../petitions/ports.ts';
import { decode, encode } from '../request-text.ts';
import type { Database, Statement } from './database.ts';
import { channel, type Listener } from './listener.ts';

/** By the one clock that all processes share, and no finer: it stands beside pseudonyms. */
const MINUTE = 'floor(extract(epoch FROM clock_timestamp()) / 60) * 60';

const LEAVE = request(
  'leave',
  `WITH asked AS (INSERT INTO requests (id, acts, asked) VALUES ($1, $2, ${MINUTE}) RETURNING id)
   SELECT pg_notify('${channel('asked')}', '') FROM asked`,
);
const WAITING = request('waiting', 'SELECT id, acts FROM requests WHERE outcomes IS NULL AND id <> ALL ($1::text[])');
const ANSWER = request(
  'answer',
  `WITH answered AS (
     UPDATE requests r SET outcomes = a.outcomes FROM unnest($1::text[], $2::text[]) AS a (id, outcomes)
     WHERE r.id = a.id RETURNING r.id)
   SELECT pg_notify('${channel('answered')}', '') FROM answered LIMIT 1`,
);
const COLLECT = request(
  'collect',
  'DELETE FROM requests WHERE id = ANY ($1::text[]) AND outcomes IS NOT NULL RETURNING id, outcomes',
);
const WITHDRAW = request('withdraw', 'DELETE FROM requests WHERE id = $1 AND outcomes IS NULL RETURNING id');
const SWEEP = request('sweep', `DELETE FROM requests WHERE asked < ${MINUTE} - 300`);

export function postgresRequestStore(database: Database, listener: Listener): RequestStore {
  return {
    async leave(id, acts) {
      await database.rows(LEAVE, id, encode(acts));
    },
    async waiting(except) {
      const rows = await database.rows<{ id: string; acts: string }>(WAITING, except);
      return rows.map(({ id, acts }) => ({ id, acts: decode(acts) as readonly PetitionAct[] }));
    },
    async answer(answers) {
      await database.rows(
        ANSWER,
        answers.map(({ id }) => id),
        answers.map(({ outcomes }) => encode(outcomes)),
      );
    },
    async collect(ids) {
      const rows = await database.rows<{ id: string; outcomes: string }>(COLLECT, ids);
      return rows.map(({ id, outcomes }) => ({ id, outcomes: decode(outcomes) as readonly PetitionOutcome[] }));
    },
    withdraw: async (id) => (await database.rows(WITHDRAW, id)).length === 1,
    async sweep() {
      await database.rows(SWEEP);
    },
    onAsked: (told) => listener.on('asked', told),
    onAnswered: (told) => listener.on('answered', told),
  };
}

function request(name: string, text: string): Statement {
  return { name: `paraphe_${name}_request`, text };
}
