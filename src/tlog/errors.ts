/**
 * Two kinds of bad news about what others sent. `Malformed`: it is not of its format. `Unproven`: its form is right and
 * it does not prove what it should. Codes are stable; `message` adds what was found, for people.
 */
export class Malformed extends Error {
  override readonly name = 'Malformed';
  readonly code: MalformedCode;

  constructor(code: MalformedCode, detail?: string) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.code = code;
  }
}

export type MalformedCode =
  // signed-note
  | 'note-text'
  | 'note-signature'
  | 'key-name'
  | 'verifier-key'
  // tlog-checkpoint, tlog-cosignature
  | 'checkpoint'
  | 'cosignature'
  // tlog-tiles
  | 'tile-path'
  | 'tile-length'
  | 'bundle'
  // tlog-proof, tlog-policy, tlog-witness
  | 'proof'
  | 'policy'
  | 'submission'
  // the entries of our own log
  | 'entry-length'
  | 'entry-utf8'
  | 'entry-kind'
  | 'entry-form';

export class Unproven extends Error {
  override readonly name = 'Unproven';
  readonly code: UnprovenCode;

  constructor(code: UnprovenCode, detail?: string) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.code = code;
  }
}

export type UnprovenCode =
  /** A known key's signature fails. */
  | 'signature-wrong'
  /** No known key signed. */
  | 'signature-missing'
  /** The checkpoint is of a log that is not trusted here. */
  | 'origin-unknown'
  /** Too few trusted witnesses cosigned. */
  | 'quorum-missing'
  | 'inclusion'
  | 'consistency';
