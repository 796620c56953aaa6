import { hash } from 'node:crypto';

/** What a login is for. It is bound into the nonce, so that a login for one act can never serve for another. */
export type Action = 'sign' | 'withdraw' | 'login';

/**
 * The `nonce` that ties one login to one act on one text: 64 hex characters (FranceConnect's form),
 * `hex(SHA-256("paraphe-nonce-v1" || 00 || action || 00 || context id || 00 || statement hash || salt))`.
 * The identity provider signs it into the id_token; with the salt, anyone can later check what the token was for.
 *
 * @param contextId the petition's id, or the site's client id for `login`
 * @param statementHash 32 bytes, zeros where there is no statement
 * @param salt 32 random bytes
 */
export function computeNonce(action: Action, contextId: string, statementHash: Uint8Array, salt: Uint8Array): string {
  if (statementHash.length !== 32 || salt.length !== 32) throw new RangeError('statement hash and salt have 32 bytes');
  if (contextId.includes('\0')) throw new RangeError('a context id holds a NUL character');
  const head = Buffer.from(`paraphe-nonce-v1\0${action}\0${contextId}\0`, 'utf8');
  return hash('sha256', Buffer.concat([head, statementHash, salt]), 'hex');
}
