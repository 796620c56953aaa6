/**
 * The first thing about a log that does not hold. An audit either holds or has one of these: `code` is stable, `where` is
 * the file or field, `index` the entry if it is about one.
 */
export type DifferenceCode =
  /** A file that the checkpoint promises is not there. */
  | 'missing'
  /** No checkpoint, or one that the log's key or the quorum did not sign. */
  | 'checkpoint'
  /** The verifier key is another than the one that is trusted. */
  | 'key-changed'
  /** The alarms of alarms: a smaller log than before, or another one. */
  | 'log-shrank'
  | 'log-rewritten'
  /** Bytes that are no bundle, or hashes that are not those of the entries. */
  | 'bundle'
  | 'tile'
  | 'root'
  /** An entry that breaks a rule. */
  | 'rule'
  | 'statement'
  | 'jwks'
  /** What the gateway says is not what its log says. */
  | 'json'
  | 'page'
  /** The identity provider's keys are not those of the log. */
  | 'identity-keys';

export type DifferenceFound = {
  readonly code: DifferenceCode;
  readonly where: string;
  readonly detail: string;
  readonly index?: number;
};

export class Difference extends Error {
  override readonly name = 'Difference';
  readonly found: DifferenceFound;

  constructor(found: DifferenceFound) {
    super(`${found.where}: ${found.detail}`);
    this.found = found;
  }
}
