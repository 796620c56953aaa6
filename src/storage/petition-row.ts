/** A petition as both databases keep it, with the days of the entries that opened it, closed it and destroyed its pseudonyms. */
import { dayFromNumber } from '../clock.ts';
import type { Petition, PetitionId } from '../petitions/petition.ts';

export type PetitionRow = {
  readonly petition: {
    readonly id: string;
    readonly slug: string;
    readonly title: string;
    readonly text: string;
    readonly statement: Buffer;
    readonly author: string | null;
    /** JSON. */
    readonly thresholds: string;
    readonly closes: number | null;
    readonly minAge: number;
    readonly departments: boolean;
    readonly acr: string;
    readonly issuer: string;
    readonly clientId: string;
    readonly nymKey: Buffer;
    readonly wrappedSecret: Buffer | null;
    readonly opening: number;
  };
  readonly opened: number;
  readonly closed: number | null;
  readonly destroyed: number | null;
};

/** @throws RangeError, SyntaxError for a row that is no petition */
export function petitionOf({ petition: row, opened, closed, destroyed }: PetitionRow): Petition {
  return {
    id: row.id as PetitionId,
    slug: row.slug,
    statement: { title: row.title, text: row.text, hash: row.statement },
    author: row.author ?? undefined,
    thresholds: JSON.parse(row.thresholds) as Petition['thresholds'],
    opened: dayFromNumber(opened),
    closes: row.closes === null ? undefined : dayFromNumber(row.closes),
    closed: closed === null ? undefined : dayFromNumber(closed),
    destroyed: destroyed === null ? undefined : dayFromNumber(destroyed),
    minAge: row.minAge,
    departments: row.departments,
    acr: row.acr,
    issuer: row.issuer,
    clientId: row.clientId,
    nymKey: row.nymKey,
    entry: row.opening,
  };
}
