/**
 * `paraphe verify <receipt.jwt | receipt.tlog-proof> [the other]`: exit code 0 when all that was given holds. Says step by
 * step what was proven and what was not. Without `--issuer` or `--jwks` it trusts the issuer that the receipt names, and
 * without `--vkey` or `--policy` the log key that this issuer serves, and says so: whoever can write a receipt can name
 * an issuer.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { decodeJwt, type JSONWebKeySet } from 'jose';
import { SetupError } from '../errors.ts';
import { type ReceiptFiles, recognise } from '../receipt/files.ts';
import { type ProofOptions, type VerifiedProof, verifyBoth, verifyReceiptProof } from '../receipt/proof.ts';
import { ReceiptError, type VerifiedReceipt, type VerifyOptions, verifyReceipt } from '../receipt/verify.ts';
import { Malformed } from '../tlog/errors.ts';

export const USAGE = `Usage: paraphe verify <receipt.jwt | receipt.tlog-proof> [the other]
       [--issuer URL] [--jwks FILE] [--vkey KEY] [--policy FILE] [--petition ID] [--audience ID] [--json]`;

type Values = {
  readonly [Name in 'issuer' | 'jwks' | 'vkey' | 'policy' | 'petition' | 'audience']?: string | undefined;
};

/** `holds: null`: not checked, since there was nothing to check it with. */
type Step = { readonly step: 'receipt' | 'proof' | 'both'; readonly holds: boolean | null; readonly says: string };

export async function run(args: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      issuer: { type: 'string' },
      jwks: { type: 'string' },
      vkey: { type: 'string' },
      policy: { type: 'string' },
      petition: { type: 'string' },
      audience: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (positionals.length === 0 || positionals.length > 2) throw new SetupError(USAGE);
  const files = positionals.map(readBytes);
  const report = new Report();
  try {
    const { jwt, proof: bytes } = recognised(files);
    const receipt = jwt === undefined ? undefined : await report.receipt(jwt, values);
    const proof = bytes === undefined ? undefined : await report.proof(bytes, values, receipt);
    report.both(receipt, proof);
    report.print(values.json);
    return 0;
  } catch (error) {
    if (error instanceof Malformed) throw new SetupError(`What is to be trusted is none: ${error.message}`);
    if (!(error instanceof ReceiptError)) throw error;
    report.refuse(error, values.json);
    return 1;
  }
}

function recognised(files: readonly Uint8Array[]): ReceiptFiles {
  const given = recognise(files);
  if (given === 'many') throw new SetupError('One signature at a time: these are two files of one kind.');
  if (given === 'unreadable') throw new ReceiptError('malformed', 'neither a receipt nor a proof');
  return given;
}

/** What was found so far. */
class Report {
  readonly #steps: Step[] = [];
  #found: { kid?: string; claims?: VerifiedReceipt['claims']; proof?: object } = {};
  #current: Step['step'] = 'receipt';

  async receipt(jwt: string, values: Values): Promise<VerifiedReceipt> {
    const isNamed = values.issuer === undefined && values.jwks === undefined;
    const receipt = await verifyReceipt(jwt, receiptOptions(values, isNamed ? namedIssuer(jwt) : values.issuer));
    const { claims, kid } = receipt;
    this.#found = { kid, claims };
    this.#proven(
      `The receipt holds: ${claims.iss} signed it with key ${kid}.`,
      `On ${claims.day} it held one signature by ${claims.sub}`,
      `for petition ${claims.petition}, statement ${claims.statement}.`,
      ...(claims.department === undefined ? [] : [`Département declared: ${claims.department}.`]),
      ...(isNamed ? [`The issuer is the one that the receipt names; to say yours: --issuer ${claims.iss}`] : []),
    );
    return receipt;
  }

  async proof(bytes: Uint8Array, values: Values, receipt: VerifiedReceipt | undefined): Promise<VerifiedProof> {
    this.#current = 'proof';
    const { options, isFetched } = await proofOptions(values, values.issuer ?? receipt?.claims.iss);
    const proof = await verifyReceiptProof(bytes, options);
    const { entry, index, witnesses } = proof;
    const { origin, size } = proof.checkpoint;
    this.#found.proof = { entry, index, checkpoint: { origin, size }, witnesses };
    this.#proven(
      `The proof holds: ${origin} signed a log of ${size} entries; entry ${index} of it is`,
      `a signature by ${entry.nym} on ${entry.day} for petition ${entry.petition}.`,
      ...(witnesses.length === 0 ? [] : [`Cosigned by ${witnesses.join(', ')}.`]),
      ...(isFetched ? ['The log’s key is the one that the issuer serves now; to say yours: --vkey KEY'] : []),
    );
    return proof;
  }

  both(receipt: VerifiedReceipt | undefined, proof: VerifiedProof | undefined): void {
    this.#current = 'both';
    if (receipt !== undefined && proof !== undefined) {
      verifyBoth(receipt, proof);
      this.#proven('Receipt and proof are about the same signature.');
    } else if (receipt === undefined) {
      this.#unchecked('receipt', 'Not checked: the gateway’s own signature, which is in receipt.jwt.');
    } else {
      const { origin, index } = receipt.claims.log;
      this.#unchecked('proof', `Not checked: that it is entry ${index} of ${origin}, which takes receipt.tlog-proof.`);
    }
  }

  print(asJson: boolean): void {
    if (asJson) {
      print({ valid: true, steps: this.#steps, ...this.#found });
      return;
    }
    for (const { says } of this.#steps) console.log(says);
    console.log('Not checked: whether the log still holds it, and whether it was withdrawn since (paraphe audit).');
  }

  refuse({ code, message }: ReceiptError, asJson: boolean): void {
    const isChecked = code !== 'keys-unavailable';
    const says = isChecked ? `${this.#doesNotHold()} (${message}).` : `Not checked (${message}): try again later.`;
    if (asJson) {
      const step = { step: this.#current, holds: isChecked ? false : null, says };
      print({ valid: false, code, message, steps: [...this.#steps, step] });
      return;
    }
    for (const step of this.#steps) console.log(step.says);
    console.error(says);
  }

  #doesNotHold(): string {
    if (this.#current === 'both') return 'Receipt and proof do not hold together';
    return `The ${this.#current} does not hold`;
  }

  #proven(...lines: readonly string[]): void {
    this.#steps.push({ step: this.#current, holds: true, says: lines.join('\n') });
  }

  #unchecked(step: Step['step'], says: string): void {
    this.#steps.push({ step, holds: null, says });
  }
}

function print(value: object): void {
  console.log(JSON.stringify(value, null, 2));
}

function receiptOptions({ jwks, petition, audience }: Values, issuer: string | undefined): VerifyOptions {
  return {
    ...(issuer === undefined ? {} : { issuer }),
    ...(jwks === undefined ? {} : { jwks: readJwks(jwks) }),
    ...(petition === undefined ? {} : { petition }),
    ...(audience === undefined ? {} : { audience }),
  } as VerifyOptions;
}

/** @throws SetupError when there is no key to trust, or what is given is none */
async function proofOptions(
  { vkey, policy, petition }: Values,
  issuer: string | undefined,
): Promise<{ options: ProofOptions; isFetched: boolean }> {
  const expected = petition === undefined ? {} : { petition };
  if (policy !== undefined) return { options: { ...expected, policy: readText(policy) }, isFetched: false };
  if (vkey !== undefined) return { options: { ...expected, vkey }, isFetched: false };
  if (issuer === undefined)
    throw new SetupError('Whose log? --vkey KEY (from /log/vkey), --policy FILE or --issuer URL');
  return { options: { ...expected, vkey: await fetchKey(issuer) }, isFetched: true };
}

async function fetchKey(issuer: string): Promise<string> {
  try {
    const answer = await fetch(new URL('/log/vkey', issuer), { signal: AbortSignal.timeout(10_000) });
    if (answer.ok) return (await answer.text()).trim();
    throw new ReceiptError('keys-unavailable', `/log/vkey answers ${answer.status}`);
  } catch (error) {
    if (error instanceof ReceiptError) throw error;
    throw new ReceiptError('keys-unavailable', error instanceof Error ? error.message : String(error));
  }
}

function namedIssuer(receipt: string): string {
  try {
    const issuer = decodeJwt(receipt.trim()).iss;
    if (issuer !== undefined && URL.parse(issuer)?.origin === issuer) return issuer;
  } catch {
    // said below
  }
  throw new ReceiptError('malformed', 'it names no issuer');
}

function readJwks(path: string): JSONWebKeySet {
  try {
    return JSON.parse(readText(path)) as JSONWebKeySet;
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${path} is not a JWK Set.`);
  }
}

function readText(path: string): string {
  return new TextDecoder().decode(readBytes(path));
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new SetupError(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
