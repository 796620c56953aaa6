import vectors from '../vectors/logs.json' with { type: 'json' };

/** The logs of the vectors: their entries as texts, and the breach that each holds. */
export function vectorsOf() {
  return vectors.logs as readonly {
    readonly about: string;
    readonly entries: readonly string[];
    readonly breach: { readonly index: number; readonly rule: string } | null;
  }[];
}
