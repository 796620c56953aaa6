/** A petition site as both databases keep it. */
import type { PetitionId } from '../petitions/petition.ts';
import type { Site, SiteAuthMethod, SiteId } from '../provider/site.ts';

type SiteRow = {
  readonly id: string;
  readonly name: string;
  readonly redirectUris: string;
  readonly petitions: string;
  readonly auth: SiteAuthMethod;
  readonly jwksUri: string | null;
  readonly sealedSecret: Buffer | null;
  readonly wrappedKey: Buffer;
};

export function siteToRow(site: Site): SiteRow {
  return {
    id: site.id,
    name: site.name,
    redirectUris: JSON.stringify(site.redirectUris),
    petitions: JSON.stringify(site.petitions),
    auth: site.auth,
    jwksUri: site.jwksUri ?? null,
    sealedSecret: site.sealedSecret === undefined ? null : Buffer.from(site.sealedSecret),
    wrappedKey: Buffer.from(site.wrappedKey),
  };
}

export function siteFromRow(row: SiteRow): Site {
  return {
    id: row.id as SiteId,
    name: row.name,
    redirectUris: JSON.parse(row.redirectUris) as string[],
    auth: row.auth,
    jwksUri: row.jwksUri ?? undefined,
    sealedSecret: row.sealedSecret ?? undefined,
    petitions: JSON.parse(row.petitions) as PetitionId[],
    wrappedKey: row.wrappedKey,
  };
}
