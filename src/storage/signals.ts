/** What one process tells the others that work on the same data. */
export const LISTENED = ['asked', 'answered', 'published', 'released'] as const;

/**
 * `asked`: something was left for the process that writes; `answered`: by that process; `published`: a checkpoint;
 * `released`: the right to write is free.
 */
export type Signal = (typeof LISTENED)[number];

export type Signals = {
  /**
   * Calls `listener` soon after the signal, and now and then without one: it looks for itself what there is.
   * @returns what ends it
   */
  on(signal: Signal, listener: () => void): () => void;
};
