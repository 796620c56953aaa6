/**
 * What one login at one site is about: the person's pseudonym there and, where a signature was asked for, its receipt. It
 * is kept under a random id made for this login, which is the `accountId` of the protocol's own rows, for as long as
 * they live. FranceConnect's `sub` is in none of them.
 */
import { randomBytes } from 'node:crypto';
import type { Nym } from '../person/nym.ts';
import type { SealedRows } from './sealed-rows.ts';

export type SiteLogin = {
  /** The `sub` at this site. */
  readonly sub: Nym;
  /** The receipt, with the site as its audience. */
  readonly receipt: string | undefined;
};

const KIND = 'Login';

export async function keepLogin(rows: SealedRows, login: SiteLogin, seconds: number): Promise<string> {
  const id = randomBytes(32).toString('base64url');
  await rows.save(KIND, id, login, seconds);
  return id;
}

export async function findLogin(rows: SealedRows, id: string): Promise<SiteLogin | undefined> {
  return (await rows.find(KIND, id))?.value as SiteLogin | undefined;
}
