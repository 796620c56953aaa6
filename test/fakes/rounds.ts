/**
 * How often a stress test repeats, and with which dice. `npm test` plays the short form; `npm run campaign` sets
 * PARAPHE_ROUNDS, in hundredths of the full number (100: all of them). A red round is played again with the seed that was
 * printed: PARAPHE_SEED=<seed>.
 */

/** The number of rounds to play: `short` in `npm test`, up to `full` in a campaign. */
export function rounds(short: number, full: number): number {
  const percent = wholeNumber('PARAPHE_ROUNDS');
  return percent === undefined ? short : Math.max(short, Math.ceil((full * percent) / 100));
}

let drawn: number | undefined;

/** One seed for a test file, printed when it is first asked for. */
export function seed(): number {
  if (drawn === undefined) {
    drawn = wholeNumber('PARAPHE_SEED') ?? Math.floor(Math.random() * 0x7fffffff);
    console.log(`PARAPHE_SEED=${drawn}`);
  }
  return drawn;
}

/** Dice that fall the same way for the same seed (mulberry32): each throw is at least 0 and below `sides`. */
export function dice(from = seed()): (sides: number) => number {
  let state = from | 0;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * sides);
  };
}

function wholeNumber(variable: string): number | undefined {
  const text = process.env[variable];
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,10}$/.test(text)) throw new Error(`${variable} is a whole number, not ${text}`);
  return Number(text);
}
