/**
 * What is checked of a receipt, in this order, and the words that each step can end in: keys of `verify.check.<step>.<word>`
 * in the locale files. A step says what was proven, what does not hold, or what could not be checked, never more.
 */
const UNREACHABLE = 'unreachable';
const UNSUPPORTED = 'unsupported';
/** Acknowledged a day ago at most, and the log may not have published it yet. */
const PENDING = 'pending';

export const STEPS = {
  /** `receipt.jwt` bears the gateway's signature. */
  receipt: ['holds', 'forged', 'malformed', 'foreign', UNREACHABLE, UNSUPPORTED, 'absent'],
  /** `receipt.tlog-proof`: the log signed a tree, and the entry stands in it. */
  proof: ['holds', 'forged', 'malformed', 'foreign', 'broken', 'other', UNREACHABLE, UNSUPPORTED, 'absent'],
  /** Both are of one signature. */
  match: ['holds', 'petition', 'nym', 'department', 'day', 'evidence', 'origin', 'index', 'absent', 'void'],
  /** The log's present checkpoint bears its signature. */
  log: ['holds', 'forged', 'foreign', 'malformed', UNREACHABLE, UNSUPPORTED],
  /** All that the log held when it made the proof is in it still, in the same order. */
  growth: ['holds', 'smaller', 'changed', 'broken', PENDING, UNREACHABLE, 'absent', 'void'],
  /** The signature's entry stands at its index today. */
  standing: ['holds', 'vanished', 'changed', 'elsewhere', 'broken', PENDING, UNREACHABLE, 'void'],
  /** What the gateway says of the pseudonym today, held against the entry that it names. */
  state: [
    'active',
    'again',
    'withdrawn',
    'invalidated',
    'unknown',
    'contradicted',
    'unasked',
    PENDING,
    UNREACHABLE,
    'void',
  ],
  /** Since this browser last looked, nothing vanished. */
  memory: ['holds', 'first', 'smaller', 'changed', 'broken', 'rekeyed', 'forgetful', UNREACHABLE, 'void'],
} as const;

export type StepName = keyof typeof STEPS;
export type Word<N extends StepName> = (typeof STEPS)[N][number];

/**
 * `told`: the site says so and nothing speaks against it, but only a recount of the whole log would prove it. `notice`:
 * proven, and not what one hopes for. `unchecked`: neither proven nor refuted.
 */
export type Outcome = 'holds' | 'fails' | 'told' | 'notice' | 'unchecked';

/** What a step's words name. Counts are entries, `index` is one; `date` is an instant. */
export type Facts = {
  readonly index?: number;
  readonly size?: number;
  readonly old?: number;
  readonly origin?: string;
  readonly date?: Date;
};

export type StepOf<N extends StepName> = {
  readonly name: N;
  readonly outcome: Outcome;
  readonly word: Word<N>;
  readonly facts: Facts;
};
export type Step = { [N in StepName]: StepOf<N> }[StepName];

const UNCHECKED: readonly string[] = [
  UNREACHABLE,
  UNSUPPORTED,
  PENDING,
  'absent',
  'void',
  'unasked',
  'first',
  'forgetful',
];
const TOLD: readonly string[] = ['active', 'again'];
const NOTICES: readonly string[] = ['withdrawn', 'invalidated'];

/** A step's end: its word decides its outcome, the same everywhere. */
export function step<N extends StepName>(name: N, word: Word<N>, facts: Facts = {}): StepOf<N> {
  return { name, outcome: outcomeOf(word), word, facts };
}

/** A word that is none of those is a refutation: a new one cannot pass for good news by being forgotten here. */
function outcomeOf(word: string): Outcome {
  if (word === 'holds') return 'holds';
  if (TOLD.includes(word)) return 'told';
  if (NOTICES.includes(word)) return 'notice';
  return UNCHECKED.includes(word) ? 'unchecked' : 'fails';
}

/**
 * What all steps come to. `gone`: genuine, and no longer counted. `partial`: what could be checked holds, and that was not
 * enough to say that the signature stands in the log today.
 */
export type Verdict = 'holds' | 'gone' | 'partial' | 'fails';

export function verdictOf(steps: readonly Step[]): Verdict {
  if (steps.some(({ outcome }) => outcome === 'fails')) return 'fails';
  const holds = (name: StepName) => steps.some((one) => one.name === name && one.outcome === 'holds');
  if (!holds('log') || !holds('standing') || !(holds('receipt') || holds('proof'))) return 'partial';
  if (steps.some(({ outcome }) => outcome === 'notice')) return 'gone';
  return steps.some(({ word }) => [UNREACHABLE, UNSUPPORTED, PENDING].includes(word)) ? 'partial' : 'holds';
}
