/**
 * c2sp.org/tlog-policy: whom to believe. A checkpoint is valid if one of the policy's logs signed it and witnesses
 * cosigned it as the quorum asks. This program verifies Ed25519: a policy that names another kind of key is refused when
 * it is read, because its quorum would silently never be met.
 */
import { type ProvenCheckpoint, parseSignedCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import { cosignatureVerifier } from './cosignature.ts';
import { Malformed, Unproven } from './errors.ts';
import type { Sha256 } from './merkle.ts';
import {
  ED25519,
  ED25519_COSIGNATURE,
  type Ed25519Verify,
  ed25519Verifier,
  parseVerifierKey,
  type Verifier,
  type VerifierKey,
  verifyNote,
} from './note.ts';
import { decodeUtf8, parseDecimal, sameBytes } from './text.ts';

export type PolicyLog = { readonly key: VerifierKey; readonly url: string | undefined };
/** `name` means something inside the policy only. */
export type PolicyWitness = { readonly name: string; readonly key: VerifierKey; readonly url: string | undefined };
export type Group = { readonly threshold: number; readonly members: readonly Quorum[] };
/** One witness, or a number of a group's members; `quorum none` is a group of nobody with threshold 0. */
export type Quorum = PolicyWitness | Group;
export type Policy = {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly quorum: Quorum;
};

const NOBODY: Group = { threshold: 0, members: [] };

/** The policy of someone who trusts a log's key alone. */
export function trustLog(key: VerifierKey): Policy {
  return { logs: [{ key, url: undefined }], witnesses: [], quorum: NOBODY };
}

/** @throws Malformed `policy` with the line's number, `verifier-key`, `key-name` */
export function parsePolicy(sha256: Sha256, bytes: Uint8Array): Policy {
  return new PolicyReader(sha256).read(bytes);
}

class PolicyReader {
  readonly #sha256: Sha256;
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #named = new Map<string, Quorum>();
  readonly #members = new Set<string>();
  #quorum: Quorum | undefined;
  #line = 0;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  /** Written by hand, so its last line may lack its end: nothing else could be meant. */
  read(bytes: Uint8Array): Policy {
    for (const line of octets(bytes).split('\n')) {
      this.#line++;
      if (/[^\t\x20-\x7e\x80-\xff]/.test(line)) throw this.#wrong('it holds a control character');
      const words = line.split(/[ \t]+/).filter((word) => word !== '');
      if (words[0] !== undefined && !words[0].startsWith('#')) this.#take(words[0], words.slice(1));
    }
    if (this.#quorum === undefined) throw this.#wrong('it has no quorum');
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum };
  }

  #take(keyword: string, words: readonly string[]): void {
    if (keyword === 'log') this.#takeLog(words);
    else if (keyword === 'witness') this.#takeWitness(words);
    else if (keyword === 'group') this.#takeGroup(words);
    else if (keyword === 'quorum') this.#takeQuorum(words);
    else throw this.#wrong('it begins with none of log, witness, group, quorum');
  }

  #takeLog([vkey, url, ...rest]: readonly string[]): void {
    if (vkey === undefined || rest.length > 0) throw this.#wrong('log <vkey> [<url>]');
    const key = this.#key(vkey, ED25519);
    this.#logs.push({ key, url: url === undefined ? undefined : shown(url) });
    if (hasDuplicate(this.#logs)) throw this.#wrong('a log stands here twice');
  }

  #takeWitness([name, vkey, url, ...rest]: readonly string[]): void {
    if (name === undefined || vkey === undefined || rest.length > 0) throw this.#wrong('witness <name> <vkey> [<url>]');
    const key = this.#key(vkey, ED25519_COSIGNATURE);
    const witness = { name: shown(name), key, url: url === undefined ? undefined : shown(url) };
    this.#name(name, witness);
    this.#witnesses.push(witness);
    if (hasDuplicate(this.#witnesses)) throw this.#wrong('a witness stands here twice');
  }

  #takeGroup([name, count, ...names]: readonly string[]): void {
    if (name === undefined || names.length === 0) throw this.#wrong('group <name> all|any|<k> <name>...');
    const members = names.map((member) => {
      if (this.#members.has(member)) throw this.#wrong(`${shown(member)} is a member twice`);
      this.#members.add(member);
      return this.#find(member);
    });
    const threshold = count === 'all' ? members.length : count === 'any' ? 1 : parseDecimal(count ?? '');
    if (threshold === undefined || threshold < 1 || threshold > members.length) {
      throw this.#wrong(`all, any or a number from 1 to ${members.length}`);
    }
    this.#name(name, { threshold, members });
  }

  #takeQuorum([name, ...rest]: readonly string[]): void {
    if (name === undefined || rest.length > 0) throw this.#wrong('quorum <name>|none');
    if (this.#quorum !== undefined) throw this.#wrong('a second quorum');
    this.#quorum = name === 'none' ? NOBODY : this.#find(name);
  }

  #name(name: string, meaning: Quorum): void {
    if (name === 'none' || this.#named.has(name)) throw this.#wrong(`the name ${shown(name)} is taken`);
    this.#named.set(name, meaning);
  }

  #find(name: string): Quorum {
    const found = this.#named.get(name);
    if (found === undefined) throw this.#wrong(`${shown(name)} is not defined before it`);
    return found;
  }

  #key(vkey: string, type: number): VerifierKey {
    const key = parseVerifierKey(this.#sha256, shown(vkey));
    if (key.type !== type) throw this.#wrong(`a key of type ${key.type} where type ${type} is asked for`);
    return key;
  }

  #wrong(why: string): Malformed {
    return new Malformed('policy', `line ${this.#line}: ${why}`);
  }
}

/** Whether a set of witnesses is strong enough. */
export function isQuorum(quorum: Quorum, cosigned: (witness: PolicyWitness) => boolean): boolean {
  if (!('members' in quorum)) return cosigned(quorum);
  return quorum.members.filter((member) => isQuorum(member, cosigned)).length >= quorum.threshold;
}

export type TrustedCheckpoint = ProvenCheckpoint<Verifier> & {
  readonly log: PolicyLog;
  /** The policy's witnesses that cosigned it, each once. */
  readonly witnesses: readonly PolicyWitness[];
};

/** What a policy makes of a checkpoint. @throws Malformed, Unproven */
export async function verifyByPolicy(
  checkpoint: Uint8Array | SignedCheckpoint,
  policy: Policy,
  verify: Ed25519Verify,
): Promise<TrustedCheckpoint> {
  const signed = checkpoint instanceof Uint8Array ? parseSignedCheckpoint(checkpoint) : checkpoint;
  const logs = policy.logs
    .filter(({ key }) => key.name === signed.checkpoint.origin)
    .map((log) => ({ log, verifier: ed25519Verifier(log.key, verify) }));
  if (logs.length === 0) throw new Unproven('origin-unknown', signed.checkpoint.origin);
  const witnesses = policy.witnesses.map((witness) => ({
    witness,
    verifier: cosignatureVerifier(witness.key, verify),
  }));
  const verified = await verifyNote(
    signed.note,
    [...logs, ...witnesses].map(({ verifier }) => verifier),
  );
  const held = new Set<Verifier>(verified.map(({ verifier }) => verifier));
  const log = logs.find(({ verifier }) => held.has(verifier))?.log;
  if (log === undefined) throw new Unproven('signature-missing', 'by the log');
  const cosigned = witnesses.filter(({ verifier }) => held.has(verifier)).map(({ witness }) => witness);
  if (!isQuorum(policy.quorum, (witness) => cosigned.includes(witness))) {
    throw new Unproven('quorum-missing', `${cosigned.length} of ${witnesses.length} witnesses cosigned`);
  }
  return { ...signed, verified, log, witnesses: cosigned };
}

/** One character an octet: the specification compares names as octets, whatever their encoding. */
function octets(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Octets as people read them: UTF-8 if they are. */
function shown(word: string): string {
  return decodeUtf8(Uint8Array.from(word, (octet) => octet.charCodeAt(0))) ?? word;
}

/** The same public key under two names is one key. */
function hasDuplicate(entries: readonly { readonly key: VerifierKey }[]): boolean {
  return entries.some(({ key }, i) =>
    entries.slice(0, i).some((earlier) => sameBytes(earlier.key.publicKey, key.publicKey)),
  );
}
