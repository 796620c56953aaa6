/**
 * The address of a receipt page holds everything it needs, sealed: the petition, the nym and when it ends. No state on
 * the server, no cookie; whoever has the address sees the receipt, for 30 minutes.
 */
import type { KeyObject } from 'node:crypto';
import { derive, open, seal, secretKey } from '../aead.ts';
import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import { type Nym, nymBytes, nymFromBytes } from '../person/nym.ts';
import type { PetitionId } from '../petitions/petition.ts';

export type ReceiptLink = { readonly petition: PetitionId; readonly nym: Nym; readonly expires: Date };

const LIFETIME_SECONDS = 30 * 60;
const CONTEXT = 'receipt link';
const ID_BYTES = 26;

export class ReceiptLinks {
  readonly #key: KeyObject;
  readonly #clock: Clock;

  constructor(sealingKey: KeyObject, clock: Clock) {
    this.#key = secretKey(derive(sealingKey, CONTEXT));
    this.#clock = clock;
  }

  /** A capability: base64url, good in a path. */
  seal(petition: PetitionId, nym: Nym): string {
    const expires = Buffer.alloc(6);
    expires.writeUIntBE(this.#now() + LIFETIME_SECONDS, 0, 6);
    return seal(this.#key, Buffer.concat([Buffer.from(petition), nymBytes(nym), expires]), CONTEXT).toString(
      'base64url',
    );
  }

  /** @throws Refusal `receipt-link-invalid`, `receipt-link-expired` */
  open(capability: string): ReceiptLink {
    const bytes = Buffer.from(capability, 'base64url');
    const plain = bytes.toString('base64url') === capability ? open(this.#key, bytes, CONTEXT) : undefined;
    if (plain === undefined) throw new Refusal('receipt-link-invalid');
    const expires = plain.readUIntBE(plain.length - 6, 6);
    if (expires <= this.#now()) throw new Refusal('receipt-link-expired');
    return {
      petition: plain.toString('latin1', 0, ID_BYTES) as PetitionId,
      nym: nymFromBytes(plain.subarray(ID_BYTES, -6)),
      expires: new Date(expires * 1000),
    };
  }

  #now(): number {
    return Math.floor(this.#clock().getTime() / 1000);
  }
}
