/**
 * c2sp.org/tlog-witness, the witness: it cosigns each checkpoint of the logs it knows that its last one leads to, and no
 * other. Guarantees, whatever the logs sign and in whatever order requests come, processes die and clocks turn:
 * - any two heads that it ever cosigned for one origin are heads of one tree that only grew;
 * - what it cosigned is durable before the cosignature leaves;
 * - its times for one origin never decrease.
 */
import type { Clock } from '../clock.ts';
import { type Ed25519Pair, ed25519Pair, hashing, sha256, verifyEd25519 } from '../node-crypto.ts';
import { openCheckpoint, type ProvenCheckpoint } from '../tlog/checkpoint.ts';
import { cosignatureTime, cosignatureVerifier, cosigner } from '../tlog/cosignature.ts';
import {
  ED25519_COSIGNATURE,
  ed25519Verifier,
  formatNote,
  makeVerifierKey,
  type NoteSignature,
  signNote,
  type Verifier,
  type VerifierKey,
} from '../tlog/note.ts';
import { utf8 } from '../tlog/text.ts';
import { formatCosignatures, judgeSubmission, type KnownLog, monitoringPath, type Verdict } from '../tlog/witness.ts';
import type { WitnessStore } from './ports.ts';

export type WitnessDeps = { readonly store: WitnessStore; readonly clock: Clock };

/** For 200 the body; the other verdicts are answered as they are. */
export type Answer =
  | { readonly status: 200; readonly cosignatures: string }
  | Exclude<Verdict<KnownLog>, { readonly status: 200 }>;

/** `time` is that of the cosignature on `note`, in seconds since 1970. */
type Head = KnownLog & { readonly note: string | undefined; readonly time: number };

export class Witness {
  /** What others put into their policies. */
  readonly key: VerifierKey;
  readonly #store: WitnessStore;
  readonly #clock: Clock;
  readonly #pair: Ed25519Pair;
  readonly #self: Verifier;
  /** A log may have several keys, of one name, while it changes from one to the next. */
  readonly #logs: ReadonlyMap<string, readonly Verifier[]>;
  readonly #origins: ReadonlyMap<string, string>;

  /**
   * @param logs the keys of the logs that it watches; a key's name is the log's origin
   * @throws Malformed `verifier-key` for one that is no log's, `key-name` for a name that no key can have
   */
  constructor(logs: readonly VerifierKey[], { store, clock }: WitnessDeps) {
    this.#store = store;
    this.#clock = clock;
    this.#pair = ed25519Pair(store.seed);
    this.key = makeVerifierKey(sha256, store.name, ED25519_COSIGNATURE, this.#pair.publicKey);
    this.#self = cosignatureVerifier(this.key, verifyEd25519);
    const verifiers = logs.map((key) => ed25519Verifier(key, verifyEd25519));
    this.#logs = Map.groupBy(verifiers, ({ name }) => name);
    this.#origins = new Map(logs.map(({ name }) => [monitoringPath(sha256, name), name]));
  }

  /**
   * Judges a submission and, where all is well, cosigns it. Requests for one log may run at the same time: each is judged
   * by the head that it found, and its note takes that head's place or, when another was faster, is judged anew.
   * @throws Error when the store fails, or holds a note that this witness did not cosign: it then signs nothing
   */
  async addCheckpoint(body: Uint8Array): Promise<Answer> {
    for (;;) {
      const verdict = await judgeSubmission(hashing, body, (origin) => this.#find(origin));
      if (verdict.status !== 200) return verdict;
      const { signed, log } = verdict;
      const time = Math.max(Math.floor(this.#clock().getTime() / 1000), log.time);
      const { text } = signed.note;
      const own = await signNote(text, [cosigner(this.key, this.#pair.sign, time)]);
      const after = formatNote({ text, signatures: [...onceEach(signed), ...own.signatures] });
      if (this.#store.replace(signed.checkpoint.origin, log.note, after)) {
        return { status: 200, cosignatures: formatCosignatures(own.signatures) };
      }
    }
  }

  /** The note that it cosigned last of the log whose `monitoringPath` that is, if it cosigned any. */
  latest(path: string): string | undefined {
    const origin = this.#origins.get(path);
    return origin === undefined ? undefined : this.#store.find(origin);
  }

  async #find(origin: string): Promise<Head | undefined> {
    const verifiers = this.#logs.get(origin);
    if (verifiers === undefined) return undefined;
    const note = this.#store.find(origin);
    if (note === undefined) return { verifiers, note, time: 1, latest: { size: 0, root: hashing.empty } };
    const { checkpoint, verified } = await this.#own(origin, note);
    return {
      verifiers,
      note,
      time: Math.max(...verified.map(({ signature }) => cosignatureTime(signature))),
      latest: checkpoint,
    };
  }

  /** A kept note must bear our own cosignature: a head that a failing disk made up could hide a fork. */
  async #own(origin: string, note: string): Promise<ProvenCheckpoint<Verifier>> {
    try {
      return await openCheckpoint(utf8(note), origin, [this.#self]);
    } catch (cause) {
      throw new Error(`the note kept for ${origin} is not one that this witness cosigned`, { cause });
    }
  }
}

/** The log's signatures that were verified. What else stood beside them goes no further: nobody here vouches for it. */
function onceEach({ verified }: ProvenCheckpoint<Verifier>): readonly NoteSignature[] {
  return [...new Map(verified.map(({ verifier, signature }) => [verifier, signature])).values()];
}
