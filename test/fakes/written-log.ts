/** A writer of the log on storage itself, batch after batch, without sequencer, lock or clock. */
import type { Day } from '../../src/clock.ts';
import { encodeEntry } from '../../src/log/entry.ts';
import { LiveFold } from '../../src/log/live-fold.ts';
import type { LogStore } from '../../src/log/ports.ts';
import { hashing } from '../../src/node-crypto.ts';
import type { PetitionAct, PetitionOutcome } from '../../src/petitions/acts.ts';
import { partialTiles } from '../../src/tlog/tile.ts';
import { TileEdge } from '../../src/tlog/tile-edge.ts';

const VKEY = 'log.example+00000000+AQ==';

export type WrittenLog = {
  write(day: Day, ...acts: PetitionAct[]): Promise<readonly PetitionOutcome[]>;
  readonly fold: LiveFold;
  readonly size: number;
};

export async function writtenLog(log: LogStore<PetitionAct, PetitionOutcome>): Promise<WrittenLog> {
  await log.create({ origin: 'log.example', vkey: VKEY, root: hashing.empty });
  const fold = await LiveFold.ofStored(log);
  const partials = await Promise.all(
    partialTiles(fold.size).map(({ level, index }) => log.tile(Number(level), index) as Promise<Uint8Array>),
  );
  const edge = new TileEdge(hashing, fold.size, partials);
  return {
    fold,
    get size() {
      return edge.size;
    },
    async write(day, ...acts) {
      const { outcomes, entries } = await log.append(
        {
          epoch: 0,
          size: edge.size,
          day,
          total: (petition) => fold.total(petition),
          grow(grown) {
            for (const entry of grown) edge.append(hashing.leaf(encodeEntry(entry)));
            return { tiles: edge.takeChanged(), root: edge.root() };
          },
        },
        acts,
      );
      for (const entry of entries) fold.add(entry);
      return outcomes;
    },
  };
}
