/**
 * Whose signatures to believe: a key and a policy that the auditor brings, the key that an earlier audit met, or, for want of
 * anything better, the key that the log shows today (trust on first use, to be said aloud).
 */
import { Malformed } from '../tlog/errors.ts';
import type { Sha256 } from '../tlog/merkle.ts';
import { formatVerifierKey, parseVerifierKey } from '../tlog/note.ts';
import { type Policy, parsePolicy, trustLog } from '../tlog/policy.ts';
import { decodeUtf8 } from '../tlog/text.ts';
import { Difference } from './difference.ts';
import type { Source } from './source.ts';

export type Trust = {
  readonly policy: Policy;
  /** The log's verifier key. */
  readonly vkey: string;
  readonly how: 'given' | 'remembered' | 'first-use';
};

/** `policy` is the bytes of a tlog-policy; one without a `log` line is completed with the key. */
export type TrustGiven = { readonly vkey?: string; readonly policy?: Uint8Array; readonly remembered?: string };

/** @throws Difference `key-changed` | `missing`, Malformed `policy` | `verifier-key` for what was given */
export async function chooseTrust(source: Source, sha256: Sha256, given: TrustGiven): Promise<Trust> {
  const policy = given.policy === undefined ? undefined : parsePolicy(sha256, given.policy);
  const [named] = policy?.logs ?? [];
  const shown = await readVkey(source);
  const own = given.vkey ?? (named && formatVerifierKey(named.key));
  const vkey = own ?? given.remembered ?? shown;
  if (vkey === undefined) throw changed('it is not there, and no other key is known', 'missing');
  if (given.remembered !== undefined && given.remembered !== vkey) {
    throw changed(`the mirror is of the log with key ${given.remembered}, not ${vkey}`);
  }
  if (shown !== undefined && shown !== vkey) throw changed(`it is ${shown}, and not ${vkey}`);
  const how = own !== undefined ? 'given' : given.remembered !== undefined ? 'remembered' : 'first-use';
  return { policy: complete(policy, parseKey(sha256, vkey, how)), vkey, how };
}

function complete(policy: Policy | undefined, key: ReturnType<typeof parseVerifierKey>): Policy {
  if (policy === undefined) return trustLog(key);
  return { ...policy, logs: policy.logs.length === 0 ? trustLog(key).logs : policy.logs };
}

function parseKey(sha256: Sha256, vkey: string, how: Trust['how']) {
  try {
    return parseVerifierKey(sha256, vkey);
  } catch (error) {
    if (how === 'given' || !(error instanceof Malformed)) throw error;
    throw changed(error.message);
  }
}

async function readVkey(source: Source): Promise<string | undefined> {
  const bytes = await source.read('log/vkey');
  return bytes && (decodeUtf8(bytes) ?? '').replace(/\n$/, '');
}

function changed(detail: string, code: 'key-changed' | 'missing' = 'key-changed'): Difference {
  return new Difference({ code, where: 'log/vkey', detail });
}
