/**
 * The identity provider's signing keys, and a token's signature held to them (RFC 7515 §5.2). openid-client checks all
 * else that a token says, that its algorithm is the pinned one included; it would check the signature too, by WebCrypto
 * and at twice the price (docs/decisions/0011).
 */
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';

/** No key verifies a token's signature. The keys at hand may be old. */
export class UnverifiedSignature extends Error {
  override readonly name = 'UnverifiedSignature';
}

type SigningKey = { readonly kid: unknown; readonly alg: 'ES256' | 'RS256'; readonly key: KeyObject };

export class KeySet {
  readonly #keys: readonly SigningKey[];

  /** @param keys of a JWK Set (RFC 7517 §5); those that verify neither ES256 nor RS256 are left out */
  constructor(keys: readonly unknown[]) {
    this.#keys = keys.flatMap(signingKey);
  }

  /**
   * A token that names no key is verified by the only one of its algorithm: where there are two, nobody can say which.
   * @param jwt a compact JWS whose header openid-client has read and accepted
   * @throws UnverifiedSignature
   */
  verify(jwt: string): void {
    const [header = '', payload = '', signature = ''] = jwt.split('.');
    const { alg, kid } = JSON.parse(new TextDecoder().decode(Buffer.from(header, 'base64url')));
    const [only, other] = this.#keys.filter((key) => key.alg === alg && (kid === undefined || key.kid === kid));
    if (only === undefined || other !== undefined) throw new UnverifiedSignature('not one key for its alg and kid');
    const bytes = Buffer.from(signature, 'base64url');
    const isCanonical = bytes.toString('base64url') === signature;
    const native = only.alg === 'ES256' ? derSignature(bytes) : bytes;
    const isSigned = isCanonical && verify('sha256', Buffer.from(`${header}.${payload}`), only.key, native);
    if (!isSigned) throw new UnverifiedSignature('wrong signature');
  }
}

function signingKey(jwk: unknown): SigningKey[] {
  if (typeof jwk !== 'object' || jwk === null) return [];
  const { kid, alg, use, key_ops: uses }: { [member: string]: unknown } = { ...jwk };
  const key = publicKey(jwk);
  const fits = key === undefined ? undefined : algorithmOf(key);
  const isForThis = (alg ?? fits) === fits && (use ?? 'sig') === 'sig' && isForVerifying(uses);
  return key === undefined || fits === undefined || !isForThis ? [] : [{ kid, alg: fits, key }];
}

function publicKey(jwk: object): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    return undefined; // a secret, a broken key, or one of another time
  }
}

/** RSA keys have 2048 bits at least (RFC 7518 §3.3). */
function algorithmOf({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): SigningKey['alg'] | undefined {
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256';
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048) return 'RS256';
  return undefined;
}

function isForVerifying(uses: unknown): boolean {
  return uses === undefined || (Array.isArray(uses) && uses.includes('verify'));
}

/**
 * From JWS's `r || s`, 32 bytes each (RFC 7518 §3.4), to DER's `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3):
 * Node takes either, but options beside a key cost more than the signature's check. Any other length comes out empty.
 */
function derSignature(joined: Uint8Array): Buffer {
  if (joined.length !== 64) return Buffer.alloc(0);
  const content = Buffer.concat([derInteger(joined.subarray(0, 32)), derInteger(joined.subarray(32))]);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}

/** A non-negative INTEGER in as few bytes as can be, with a zero before a first bit that would read as a sign. */
function derInteger(digits: Uint8Array): Buffer {
  const first = digits.findIndex((byte) => byte !== 0);
  const least = digits.subarray(first === -1 ? 31 : first);
  const sign = (least[0] ?? 0) >= 0x80 ? [0] : [];
  return Buffer.from([0x02, sign.length + least.length, ...sign, ...least]);
}
