/**
 * An OpenID Provider in thirty lines whose every id_token is forged: signed by a key that it never published, each under
 * a `kid` of its own. And a relying party that meets it, with the gateway's own code.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Refusal } from '../../src/errors.ts';
import { Issuer } from '../../src/identity/issuer.ts';
import { completeLogin, type LoginTies, type VerifiedLogin } from '../../src/identity/login.ts';

const CLIENT_ID = 'paraphe';
const TIES: LoginTies = {
  state: 'a'.repeat(64),
  nonce: 'b'.repeat(64),
  codeVerifier: undefined,
  acr: '',
  redirectUri: 'http://127.0.0.1:9/login/callback',
};

export type Forger = AsyncDisposable & {
  readonly issuer: Issuer;
  readonly jwks: string;
  readonly archive: { fails: boolean; readonly kept: string[] };
  /** The calls to addresses that end so. */
  count(ending: string): number;
  /** So many logins at once: how many ended on which code. */
  logIn(times: number): Promise<Record<string, number>>;
  /** A login whose token is genuine. */
  logInHonestly(): Promise<VerifiedLogin>;
};

export async function startForger(cooldownMs?: number): Promise<Forger> {
  const genuine = await generateKeyPair('ES256');
  const forged = await generateKeyPair('ES256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(genuine.publicKey)), alg: 'ES256', kid: 'genuine' }] });
  const calls: string[] = [];
  let isHonest = false;

  const idToken = () =>
    new SignJWT({ nonce: TIES.nonce })
      .setProtectedHeader({ alg: 'ES256', kid: isHonest ? 'genuine' : randomBytes(8).toString('hex') })
      .setIssuer(origin)
      .setSubject('someone')
      .setAudience(CLIENT_ID)
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(isHonest ? genuine.privateKey : forged.privateKey);
  const answers: Record<string, () => unknown> = {
    '/.well-known/openid-configuration': () => ({
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      userinfo_endpoint: `${origin}/userinfo`,
      jwks_uri: `${origin}/jwks`,
      authorization_response_iss_parameter_supported: true,
    }),
    '/jwks': () => JSON.parse(jwks),
    '/token': async () => ({ access_token: 'token', token_type: 'Bearer', id_token: await idToken() }),
    '/userinfo': () => ({ sub: 'someone', birthdate: '1962-08-24' }),
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    calls.push(path);
    const answer = await answers[path]?.();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const archive = { fails: false, kept: [] as string[] };
  const clock = () => new Date();
  const keep = async (_issuer: string, bytes: Uint8Array) => {
    if (archive.fails) throw new Refusal('storage-unavailable');
    archive.kept.push(Buffer.from(bytes).toString('utf8'));
  };
  const settings = {
    profile: 'oidc',
    issuer: origin,
    clientId: CLIENT_ID,
    clientSecret: 'secret-of-the-client',
    clientAuth: 'client_secret_post',
    idTokenAlg: 'ES256',
    userinfoAlg: 'none',
    bearer: 'header',
    scope: 'openid birthdate',
    allowSimulated: true,
    timeoutMs: 10_000,
  } as const;
  const issuer = new Issuer(settings, { archive: { keep }, clock }, cooldownMs);
  const callback = new URL(
    `${TIES.redirectUri}?${new URLSearchParams({ code: 'code', state: TIES.state, iss: origin })}`,
  );
  const logIn = () => completeLogin(issuer, clock, callback, TIES);

  return {
    issuer,
    jwks,
    archive,
    count: (ending) => calls.filter((path) => path.endsWith(ending)).length,
    async logIn(times) {
      const codes: Record<string, number> = {};
      const outcomes = await Promise.allSettled(Array.from({ length: times }, logIn));
      for (const outcome of outcomes) {
        const code = outcome.status === 'fulfilled' ? 'believed' : String(outcome.reason?.code ?? outcome.reason);
        codes[code] = (codes[code] ?? 0) + 1;
      }
      return codes;
    },
    async logInHonestly() {
      isHonest = true;
      try {
        return await logIn();
      } finally {
        isHonest = false;
      }
    },
    async [Symbol.asyncDispose]() {
      issuer.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
