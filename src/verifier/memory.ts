/**
 * What a browser remembers from one visit to the next: the log's key and its last checkpoint, as the log signed it. Both
 * are public and say nothing of any receipt. Should the log ever break its word, the remembered note is the evidence: it
 * is replaced only by one that was proven to continue it.
 */
export type Remembered = {
  readonly vkey: string;
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  readonly at: Date;
};

/** The part of `localStorage` that this needs; it throws where a browser forbids it. */
export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const KEY = 'paraphe-log';

/** `undefined` where nothing is remembered, or nothing that can be read. @throws what the browser throws */
export function recall(store: Store): Remembered | undefined {
  const text = store.getItem(KEY);
  try {
    const { vkey, checkpoint, at } = JSON.parse(text ?? 'null') as Record<string, unknown>;
    if (typeof vkey !== 'string' || typeof checkpoint !== 'string' || typeof at !== 'string') return undefined;
    return { vkey, checkpoint, at: new Date(at) };
  } catch {
    return undefined;
  }
}

export function remember(store: Store, { vkey, checkpoint, at }: Remembered): void {
  store.setItem(KEY, JSON.stringify({ vkey, checkpoint, at }));
}

export function forget(store: Store): void {
  store.removeItem(KEY);
}
