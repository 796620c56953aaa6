/**
 * A number of signatures at which something is promised to follow, in the petition's own words. Thresholds are shown beside
 * the count and decide nothing: they stand in no entry of the log.
 */

export type Threshold = {
  readonly signatures: number;
  /** Départements, overseas ones included, that must be among those declared; people abroad count for none of them. */
  readonly departments?: number | undefined;
  /** What follows, by language (`fr`, `en`, …); French is always there. */
  readonly label: Readonly<Record<string, string>>;
};
