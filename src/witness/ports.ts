/**
 * What a witness keeps: who it is, and for each log the note that it cosigned last, which is all it must never forget.
 * Both in one place, so that a key cannot be found without its memory: such a witness would cosign a fork.
 */
export type WitnessStore = {
  readonly name: string;
  /** 32 bytes: the seed of its Ed25519 key. */
  readonly seed: Uint8Array;
  /** The whole note with this witness's own cosignature, as it is served; `undefined` if it never cosigned that log. */
  find(origin: string): string | undefined;
  /**
   * Puts `after` in the place of `before`, in one act: `false`, and nothing changed, when another note stands there by
   * now. When it answers `true` the note survives a power cut.
   */
  replace(origin: string, before: string | undefined, after: string): boolean;
};
