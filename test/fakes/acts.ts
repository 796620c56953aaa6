/** Acts of petitions, as short as tests want to write them. Nothing here needs the test runner: workers use it too. */
import { hash, randomBytes } from 'node:crypto';
import { type Day, parseDay } from '../../src/clock.ts';
import { type Nym, nymFromBytes } from '../../src/person/nym.ts';
import type { Closing, IdentityKeysSeen, Invalidation, Opening, Recording } from '../../src/petitions/acts.ts';
import type { NewPetition, PetitionId } from '../../src/petitions/petition.ts';
import { makeStatement } from '../../src/petitions/statement.ts';

export const PETITION = '01m7k8m0n1ew6076n6rar3zv8a' as PetitionId;

export const day = (text: string) => parseDay(text) as Day;
export const newNym = (): Nym => nymFromBytes(randomBytes(32));
/** The same for the same name. */
export const nymOf = (name: string): Nym => nymFromBytes(hash('sha256', name, 'buffer'));

export function petitionNamed(slug: string, id: string): NewPetition {
  return {
    id: id as PetitionId,
    slug,
    statement: makeStatement(`Pétition ${slug}`, 'Nous demandons ceci.'),
    author: 'Un collectif',
    thresholds: [{ signatures: 1000, departments: 3, label: { fr: 'Débat', en: 'Debate' } }],
    closes: day('2099-12-31'),
    minAge: 18,
    departments: true,
    acr: 'eidas1',
    issuer: 'https://idp.example',
    clientId: 'client',
    nymKey: randomBytes(32),
  };
}

export const opened = (opening: NewPetition): Opening => ({
  kind: 'petition-opened',
  opening,
  wrappedSecret: randomBytes(60),
  keyId: randomBytes(16),
});
export const signed = (nym: Nym, department: string | undefined = '75', petition = PETITION): Recording => ({
  kind: 'signed',
  petition,
  nym,
  department,
});
export const withdrawn = (nym: Nym, petition = PETITION): Recording => ({
  kind: 'withdrawn',
  petition,
  nym,
  department: undefined,
});
export const invalidated = (nym: Nym): Invalidation => ({
  kind: 'invalidated',
  petition: PETITION,
  nym,
  ground: 'fraud',
});
export const closed = (petition = PETITION): Closing => ({ kind: 'petition-closed', petition });
export const keysSeen = (jwks: string): IdentityKeysSeen => ({
  kind: 'identity-keys',
  issuer: 'https://idp.example',
  jwks: Buffer.from(jwks),
});
