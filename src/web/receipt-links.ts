/**
 * The address of a receipt page holds everything it needs, sealed: the petition, the entry's index in the log and when it ends. No state on
 * the server, no cookie; whoever has the address sees the receipt, for 30 minutes.
 */
import type { KeyObject } from 'node:crypto';
import { derive, open, seal, secretKey } from '../aead.ts';
import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { PetitionId } from '../petitions/petition.ts';

export type ReceiptLink = { readonly petition: PetitionId; readonly index: number; readonly expires: Date };

const LIFETIME_SECONDS = 30 * 60;
const CONTEXT = 'receipt link';
const ID_BYTES = 26;
const NUMBER_BYTES = 6;

export class ReceiptLinks {
  readonly #key: KeyObject;
  readonly #clock: Clock;

  constructor(sealingKey: KeyObject, clock: Clock) {
    this.#key = secretKey(derive(sealingKey, CONTEXT));
    this.#clock = clock;
  }

  /** A capability: base64url, good in a path. */
  seal(petition: PetitionId, index: number): string {
    const plain = Buffer.alloc(ID_BYTES + 2 * NUMBER_BYTES);
    plain.write(petition, 'latin1');
    plain.writeUIntBE(index, ID_BYTES, NUMBER_BYTES);
    plain.writeUIntBE(this.#now() + LIFETIME_SECONDS, ID_BYTES + NUMBER_BYTES, NUMBER_BYTES);
    return seal(this.#key, plain, CONTEXT).toString('base64url');
  }

  /** @throws Refusal `receipt-link-invalid`, `receipt-link-expired` */
  open(capability: string): ReceiptLink {
    const bytes = Buffer.from(capability, 'base64url');
    const plain = bytes.toString('base64url') === capability ? open(this.#key, bytes, CONTEXT) : undefined;
    if (plain === undefined) throw new Refusal('receipt-link-invalid');
    const expires = plain.readUIntBE(ID_BYTES + NUMBER_BYTES, NUMBER_BYTES);
    if (expires <= this.#now()) throw new Refusal('receipt-link-expired');
    return {
      petition: plain.toString('latin1', 0, ID_BYTES) as PetitionId,
      index: plain.readUIntBE(ID_BYTES, NUMBER_BYTES),
      expires: new Date(expires * 1000),
    };
  }

  #now(): number {
    return Math.floor(this.#clock().getTime() / 1000);
  }
}
