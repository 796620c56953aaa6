/**
 * c2sp.org/tlog-witness, the log's side: asks the witnesses of a policy to cosign what the log is about to publish.
 * Guarantees:
 * - a line stands in the note only if it is a witness's own cosignature of exactly this checkpoint;
 * - no witness delays the others: whatever they do, the result is there within `timeoutMs`, and within `LINGER_MS` of a
 *   quorum. Those who are late are let go; what they kept meanwhile is learnt from their next answer;
 * - an alarm is said by name: `ahead` and `rolled-back` below are not faults of the network.
 * Times are the witnesses' own statements. A log has no better clock to judge them by, so one in the future stands: who
 * reads a time believes as many witnesses as the policy says. A zero is refused, as the specification forbids it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { SetupError } from '../errors.ts';
import { openCheckpoint, type SignedCheckpoint } from '../tlog/checkpoint.ts';
import { cosignatureTime, cosignatureVerifier } from '../tlog/cosignature.ts';
import { Malformed, Unproven } from '../tlog/errors.ts';
import {
  type Ed25519Verify,
  ed25519Verifier,
  formatNote,
  type NoteSignature,
  type Verifier,
  type VerifierKey,
  verifyNote,
} from '../tlog/note.ts';
import { isQuorum, type Policy, type PolicyWitness } from '../tlog/policy.ts';
import { sameBytes, utf8 } from '../tlog/text.ts';
import { formatSubmission, parseCosignatures, parseSize, SIZE_TYPE } from '../tlog/witness.ts';

/**
 * One HTTP POST of text: no redirect is followed, the body is limited, and `signal` ends it. Rejects when there is no
 * answer.
 */
export type Post = (
  url: string,
  body: string,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly contentType: string | undefined; readonly body: Uint8Array }>;

/** The consistency proof from an earlier size to the checkpoint's, for 0 < `oldSize` < size. */
export type ProofFrom = (oldSize: number) => Promise<readonly Uint8Array[]>;

export type FailureReason =
  /** ALARM: it cosigned a larger tree of this log than ours. Our data are old, or someone else signs with our key. */
  | 'ahead'
  /** ALARM: it forgot what it cosigned for us before: a restored witness, whose word is worth nothing. */
  | 'rolled-back'
  /** ALARM: by its account our tree is not a continuation of the one that it cosigned, at the size that it names. */
  | 'inconsistent'
  /** It does not know our log, or our key. */
  | 'not-configured'
  /** No answer within the time. */
  | 'late'
  | 'unreachable'
  /** An answer that the specification does not know there. */
  | 'answer'
  /** A cosignature that is not one of this checkpoint. */
  | 'cosignature'
  /** We could not make the proof that it asked for. */
  | 'proof';

export type WitnessFailure = { readonly witness: string; readonly reason: FailureReason; readonly detail: string };

export type Cosigned = {
  /** The log's line first, then one line for each witness that cosigned, in the policy's order. */
  readonly note: string;
  readonly quorum: boolean;
  readonly failures: readonly WitnessFailure[];
};

export type WitnessesDeps = {
  readonly verify: Ed25519Verify;
  readonly post: Post;
  /** For everything that is asked for one checkpoint. */
  readonly timeoutMs?: number;
};

/** Once there is a quorum, monitors gain from more cosignatures, and everyone loses from waiting for them. */
const LINGER_MS = 200;
const TIMEOUT_MS = 2_000;

class Failure extends Error {
  readonly reason: FailureReason;

  constructor(reason: FailureReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** A witness that can be asked. `known` is the size that it will expect, `cosigned` the last that it cosigned for us. */
type Asked = {
  readonly witness: PolicyWitness;
  readonly verifier: Verifier;
  readonly url: string;
  known: number;
  cosigned: number;
};

export class Witnesses {
  readonly #policy: Policy;
  readonly #log: Verifier;
  readonly #asked: readonly Asked[];
  readonly #post: Post;
  readonly #timeoutMs: number;

  /**
   * @param log our own key
   * @throws SetupError when the policy does not accept our log, or names an address that is none
   */
  constructor(policy: Policy, log: VerifierKey, { verify, post, timeoutMs = TIMEOUT_MS }: WitnessesDeps) {
    if (!policy.logs.some(({ key }) => key.name === log.name && sameBytes(key.publicKey, log.publicKey))) {
      throw new SetupError(`The witness policy does not accept the log ${log.name} with its key of now.`);
    }
    const isAddressed = (witness: PolicyWitness) => witness.url !== undefined;
    if (!isQuorum(policy.quorum, isAddressed)) {
      throw new SetupError(
        'The witness policy asks for a quorum that cannot be met: too few of its witnesses have an address.',
      );
    }
    this.#policy = policy;
    this.#log = ed25519Verifier(log, verify);
    this.#post = post;
    this.#timeoutMs = timeoutMs;
    this.#asked = policy.witnesses.flatMap((witness) => {
      const verifier = cosignatureVerifier(witness.key, verify);
      return witness.url === undefined ? [] : [{ witness, verifier, url: submission(witness), known: 0, cosigned: 0 }];
    });
  }

  /**
   * Asks every witness that has an address. One call at a time, with sizes that do not decrease.
   * @param checkpoint a signed note with our own line only
   * @throws Malformed, Unproven when it is not that: nothing was sent
   */
  async cosign(checkpoint: string, proofFrom: ProofFrom): Promise<Cosigned> {
    const signed = await openCheckpoint(utf8(checkpoint), this.#log.name, [this.#log]);
    const lines = new Map<PolicyWitness, NoteSignature>();
    const failures = new Map<PolicyWitness, Failure>();
    const isEnough = () => isQuorum(this.#policy.quorum, (witness) => lines.has(witness));
    const end = new AbortController();
    const enough = Promise.withResolvers<void>();
    if (isEnough()) enough.resolve();

    const answers = this.#asked.map(async (asked) => {
      try {
        const line = await this.#ask(asked, signed, checkpoint, proofFrom, end.signal);
        if (end.signal.aborted) return;
        lines.set(asked.witness, line);
        if (isEnough()) enough.resolve();
      } catch (error) {
        if (!end.signal.aborted) failures.set(asked.witness, failureOf(error));
      }
    });
    const pause = (ms: number) => wait(ms, undefined, { signal: end.signal }).catch(() => undefined);
    await Promise.race([Promise.all(answers), pause(this.#timeoutMs), enough.promise.then(() => pause(LINGER_MS))]);
    end.abort();

    const named = this.#policy.witnesses;
    return {
      note: formatNote({
        text: signed.note.text,
        signatures: [...signed.note.signatures, ...named.flatMap((witness) => lines.get(witness) ?? [])],
      }),
      quorum: isEnough(),
      failures: this.#asked
        .filter(({ witness }) => !lines.has(witness))
        .map(({ witness }) => {
          const { reason, message } = failures.get(witness) ?? new Failure('late', 'no answer in time');
          return { witness: witness.name, reason, detail: message };
        }),
    };
  }

  /** One request, and a second one when the witness says that its last size is another than we thought. */
  async #ask(
    asked: Asked,
    signed: SignedCheckpoint,
    checkpoint: string,
    proofFrom: ProofFrom,
    signal: AbortSignal,
  ): Promise<NoteSignature> {
    const { size } = signed.checkpoint;
    for (let tries = 1; ; tries++) {
      const oldSize = asked.known;
      const proof = oldSize === 0 || oldSize === size ? [] : await proofOf(proofFrom, oldSize);
      const answer = await this.#post(asked.url, formatSubmission({ oldSize, proof, checkpoint }), signal);
      if (answer.status === 200) {
        const line = await cosignatureOf(asked, signed, answer.body);
        asked.known = asked.cosigned = size;
        return line;
      }
      if (answer.status !== 409) throw refusal(answer.status, oldSize);
      const claimed = sizeOf(answer);
      if (claimed > size) {
        throw new Failure('ahead', `it cosigned ${claimed} entries of this log, which has ${size}`);
      }
      if (claimed < asked.cosigned)
        throw new Failure('rolled-back', `${asked.cosigned} cosigned, ${claimed} remembered`);
      if (claimed === oldSize || tries === 2) throw new Failure('answer', `409 to old ${oldSize}, naming ${claimed}`);
      asked.known = claimed;
    }
  }
}

/** The size in a 409. @throws Failure, Malformed */
function sizeOf({ contentType, body }: Awaited<ReturnType<Post>>): number {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type !== SIZE_TYPE) throw new Failure('answer', `409 with ${type ?? 'no type'}`);
  return parseSize(body);
}

async function proofOf(proofFrom: ProofFrom, oldSize: number): Promise<readonly Uint8Array[]> {
  try {
    return await proofFrom(oldSize);
  } catch (error) {
    throw new Failure('proof', `from ${oldSize}: ${said(error)}`);
  }
}

/** The witness's one line. Lines of keys that are not its own are ignored. @throws Malformed, Unproven, Failure */
async function cosignatureOf({ verifier }: Asked, signed: SignedCheckpoint, body: Uint8Array): Promise<NoteSignature> {
  const signatures = parseCosignatures(body);
  const verified = await verifyNote({ text: signed.note.text, signatures }, [verifier]);
  const line = verified.map(({ signature }) => signature).find((signature) => cosignatureTime(signature) > 0);
  if (line === undefined) throw new Failure('cosignature', 'without a time');
  return line;
}

function refusal(status: number, oldSize: number): Failure {
  if (status === 403 || status === 404) return new Failure('not-configured', `status ${status}`);
  if (status === 422) return new Failure('inconsistent', `status 422 to a proof from ${oldSize}`);
  return new Failure('answer', `status ${status}`);
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof Malformed) return new Failure('answer', error.message);
  if (error instanceof Unproven) return new Failure('cosignature', error.message);
  return new Failure('unreachable', said(error));
}

/** `fetch` itself says only that it failed: what it was stands in the cause. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return 'code' in cause ? String(cause.code) : cause.message;
}

function submission({ name, url }: PolicyWitness): string {
  const parsed = URL.parse(url ?? '');
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') {
    throw new SetupError(`The witness ${name} has no http(s) address: ${url}.`);
  }
  return `${parsed.href.replace(/\/$/, '')}/add-checkpoint`;
}
