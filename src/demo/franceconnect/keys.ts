/**
 * The platform's signing keys: one ES256 and one RS256 pair, both published, as FranceConnect lets each service choose.
 * FranceConnect's `kid` is the label of a slot in its hardware module (`pkcs11:ES256:hsm` in its development stack),
 * so a rotation may well keep the `kid` and change the key under it.
 */
import { randomBytes } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

export const SIGNING_ALGORITHMS = ['ES256', 'RS256'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** A private JWK with its `alg` and `kid`. */
export type SigningKey = JWK & { alg: SigningAlgorithm; kid: string };

export type KeyRing = {
  signing: SigningKey[];
  /** Keys of the past that stay published and sign nothing. */
  retired: SigningKey[];
};

export async function generateSigningKey(alg: SigningAlgorithm, kid: string): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, kid, use: 'sig' };
}

export async function firstKeys(): Promise<KeyRing> {
  const signing = SIGNING_ALGORITHMS.map((alg) => generateSigningKey(alg, `pkcs11:${alg}:hsm`));
  return { signing: await Promise.all(signing), retired: [] };
}

export type Rotation = {
  /** The new key hides under the label of the old one. */
  sameKid?: boolean | undefined;
  /** The old public key stays published. */
  keepOld?: boolean | undefined;
};

export async function rotatedKeys(ring: KeyRing, { sameKid = false, keepOld = false }: Rotation): Promise<KeyRing> {
  const slot = randomBytes(4).toString('hex');
  const signing = ring.signing.map(({ alg, kid }) =>
    generateSigningKey(alg, sameKid ? kid : `pkcs11:${alg}:hsm:${slot}`),
  );
  const retired = keepOld ? [...ring.signing, ...ring.retired] : [];
  return { signing: await Promise.all(signing), retired };
}

/** What `/jwks` shows. */
export function publishedKeys(ring: KeyRing): JWK[] {
  return [...ring.signing, ...ring.retired].map(publicKey);
}

/** What the engine signs with and checks hints against: one key for a `kid`, the current ones first. */
export function engineKeys(ring: KeyRing): SigningKey[] {
  const kids = ring.signing.map(({ kid }) => kid);
  return [...ring.signing, ...ring.retired.filter(({ kid }) => !kids.includes(kid))];
}

export function signingKey(ring: KeyRing, alg: SigningAlgorithm): SigningKey {
  const key = ring.signing.find((candidate) => candidate.alg === alg);
  if (key === undefined) throw new TypeError(`no ${alg} key`);
  return key;
}

export function publicKey({ kty, use, kid, alg, crv, x, y, e, n }: JWK): JWK {
  const members = Object.entries({ kty, use, kid, alg, crv, x, y, e, n });
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

export async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, jwk.alg);
  if (key instanceof Uint8Array) throw new TypeError('not an asymmetric key');
  return key;
}
