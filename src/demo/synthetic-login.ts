/**
 * A login of someone who never sat at a browser: the nonce is made as a journey makes it, the simulated FranceConnect signs
 * an id_token and userinfo for it, and both are verified before anyone is believed. Only the HTTP between is left out.
 */
import { randomBytes } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Clock } from '../clock.ts';
import { parisDay } from '../clock.ts';
import { type Action, computeNonce } from '../person/nonce.ts';
import { type Person, parseBirthdate } from '../person/person.ts';
import type { Petition } from '../petitions/petition.ts';
import type { FranceConnect } from './franceconnect/server.ts';

export type SyntheticLogin = { readonly person: Person; readonly birthdate: ReturnType<typeof parseBirthdate> };

/** @throws JOSEError, TypeError when the tokens are not what a gateway accepts */
export type LogIn = (login: string, action: Action, petition: Petition) => Promise<SyntheticLogin>;

export async function syntheticLogins(franceConnect: FranceConnect, clientId: string, clock: Clock): Promise<LogIn> {
  const issue = await franceConnect.tokenIssuer(clientId);
  const keys = createLocalJWKSet(JSON.parse(franceConnect.jwks()));
  return async (login, action, petition) => {
    const citizen = franceConnect.citizen(login);
    if (citizen === undefined) throw new TypeError('unknown citizen');
    const at = clock();
    const nonce = computeNonce(action, petition.id, petition.statement.hash, randomBytes(32));
    const tokens = await issue(citizen, { nonce, at });
    const expected = { issuer: petition.issuer, audience: petition.clientId, algorithms: ['ES256'], currentDate: at };
    const [id, userinfo] = await Promise.all([
      jwtVerify(tokens.idToken, keys, expected),
      jwtVerify(tokens.userinfo, keys, expected),
    ]);
    const { sub } = id.payload;
    if (id.payload.nonce !== nonce || id.payload.acr !== petition.acr) throw new TypeError('of another login');
    if (sub === undefined || userinfo.payload.sub !== sub) throw new TypeError('two subjects');
    return {
      person: { issuer: petition.issuer, sub },
      birthdate: parseBirthdate(userinfo.payload.birthdate, parisDay(at)),
    };
  };
}
