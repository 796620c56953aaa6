/**
 * What one login at one site is about: the person's pseudonym there and, where a signature was asked for, its receipt. It
 * is the `accountId` of the protocol's own things, and stands in their sealed rows alone: it has no row of its own, so it
 * is gone with the last of them. FranceConnect's `sub` is in none of them.
 */
import type { Nym } from '../person/nym.ts';

export type SiteLogin = {
  /** The `sub` at this site. */
  readonly sub: Nym;
  /** The receipt, with the site as its audience. */
  readonly receipt: string | undefined;
};

/** Neither half holds a space: base64url, and dots. */
export function accountOf({ sub, receipt }: SiteLogin): string {
  return receipt === undefined ? sub : `${sub} ${receipt}`;
}

export function loginOf(accountId: string): SiteLogin {
  const [sub, receipt] = accountId.split(' ');
  return { sub: sub as Nym, receipt };
}
