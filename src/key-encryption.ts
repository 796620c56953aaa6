/**
 * The key-encryption key wraps what the database holds that is secret: the pseudonym keys of petitions and sites, the
 * sites' client secrets (AES-256-GCM; the context says whose it is). While it is being replaced there are two: both
 * unwrap, and one wraps. A wrapped secret means nothing to anyone once its key is destroyed.
 */
import type { KeyObject } from 'node:crypto';
import { derive, open, seal } from './aead.ts';
import { SetupError } from './errors.ts';

const ID_BYTES = 16;

export class KeyEncryptionKey {
  readonly #wrapping: KeyObject;
  readonly #unwrapping: readonly KeyObject[];

  /** @param others that unwrap too */
  constructor(wrapping: KeyObject, ...others: KeyObject[]) {
    this.#wrapping = wrapping;
    this.#unwrapping = [wrapping, ...others];
  }

  /** Names the key that wraps, and tells nothing of it: data say by it under which key their secrets are. */
  get id(): Buffer {
    return idOf(this.#wrapping);
  }

  /** Whether it unwraps what is under the key of that name. */
  knows(id: Uint8Array): boolean {
    return this.#unwrapping.some((key) => idOf(key).equals(id));
  }

  wrap(secret: Uint8Array, context: string): Buffer {
    return seal(this.#wrapping, secret, context);
  }

  /** The secret, or `undefined` when it was wrapped under another key or for another context, or was changed. */
  unwrap(wrapped: Uint8Array, context: string): Buffer | undefined {
    for (const key of this.#unwrapping) {
      const secret = open(key, wrapped, context);
      if (secret !== undefined) return secret;
    }
    return undefined;
  }

  /** The same secret under another key. @throws SetupError when this one does not unwrap it */
  rewrap(wrapped: Uint8Array, context: string, to: KeyEncryptionKey): Buffer {
    const secret = this.unwrap(wrapped, context);
    if (secret === undefined) {
      throw new SetupError(`The secret of ${context} does not unwrap: KEYS_DIR does not belong to these data.`);
    }
    try {
      return to.wrap(secret, context);
    } finally {
      secret.fill(0);
    }
  }
}

function idOf(key: KeyObject): Buffer {
  return derive(key, 'paraphe-key-encryption-key-id-v1').subarray(0, ID_BYTES);
}

/** Of a secret that was wrapped under a key that the data have left. */
export function keyReplaced(): SetupError {
  return new SetupError(
    'The key-encryption key of these data is another than the one in KEYS_DIR: where one is being replaced, wait for its end and try again; on another machine, copy the new one there.',
  );
}
