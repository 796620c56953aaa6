/**
 * What the OpenID Foundation's conformance suite asks of a relying party, told by the simulated provider and answered by
 * a whole gateway (self-run, not certified): the 16 modules of its plan RP Basic by their names, then every lie that the
 * simulator knows, under each profile.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIE_NAMES, LIES, type Lie } from '../../src/demo/franceconnect/lies.ts';
import type { RefusalCode } from '../../src/errors.ts';
import {
  comeBack,
  contentOf,
  expectConfirmPage,
  expectDiscreetDiagnostics,
  expectNothingLeft,
  expectRefusal,
  FRANCECONNECT,
  OIDC,
  OIDC_BEARER_IN_BODY,
  OIDC_SIGNED_USERINFO,
  type Profile,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
} from './arrival.ts';
import { Watch } from './watch.ts';

type Outcome = 'identified' | RefusalCode;

const STATUS: Partial<Record<Outcome, number>> = {
  'login-unverified': 502,
  'acr-too-low': 403,
  'birthdate-missing': 403,
  'journey-unknown': 400,
};

/** A lie in the discovery document or the key set is told to a gateway that has just started. */
async function expectOutcome(world: WatchedWorld, lie: Lie | undefined, outcome: Outcome): Promise<void> {
  const { switches } = world.franceConnect;
  const isToldAtStart = lie !== undefined && ('jwks' in LIES[lie] || 'discovery' in LIES[lie]);
  switches.lie = lie;
  world.tokens.length = 0;
  try {
    if (isToldAtStart) await world.restart();
    const { page, ...arrival } = await comeBack(world);
    if (outcome === 'identified') {
      expectConfirmPage(page);
      expect(await contentOf(world, arrival)).toMatchObject({ kind: 'identified' });
      expectDiscreetDiagnostics(world, arrival);
    } else {
      expectRefusal(world, page, outcome, STATUS[outcome] ?? 0);
      expect(world.lines.filter((line) => line.includes(`"code":"${outcome}"`))).not.toEqual([]);
      await expectNothingLeft(world, arrival, page);
    }
  } finally {
    switches.lie = undefined;
    if (isToldAtStart) await world.restart();
  }
}

const PROFILES = {
  franceconnect: FRANCECONNECT,
  oidc: OIDC,
  'oidc, bearer in the body': OIDC_BEARER_IN_BODY,
  'oidc, signed userinfo': OIDC_SIGNED_USERINFO,
} as const satisfies Record<string, Profile>;
type ProfileName = keyof typeof PROFILES;

const worlds = {} as Record<ProfileName, WatchedWorld>;

beforeAll(async () => {
  for (const name of Object.keys(PROFILES) as ProfileName[]) worlds[name] = await startWatchedWorld(PROFILES[name]);
});

afterAll(async () => {
  for (const world of Object.values(worlds)) {
    expect(storedSignatures(world)).toBe(0);
    await world.close();
  }
});

describe('the 16 modules of the plan RP Basic', () => {
  type Row = [condition: string, profile: ProfileName, lie: Lie | undefined, outcome: Outcome];
  const rows: Row[] = [
    ['oidcc-client-test', 'franceconnect', undefined, 'identified'],
    ['oidcc-client-test-invalid-iss', 'franceconnect', 'id-token-invalid-iss', 'login-unverified'],
    ['oidcc-client-test-missing-sub', 'franceconnect', 'id-token-missing-sub', 'login-unverified'],
    ['oidcc-client-test-invalid-aud', 'franceconnect', 'id-token-invalid-aud', 'login-unverified'],
    ['oidcc-client-test-missing-iat', 'franceconnect', 'id-token-missing-iat', 'login-unverified'],
    ['oidcc-client-test-kid-absent-single-jwks', 'oidc', 'id-token-kid-absent-single-jwks', 'identified'],
    // The suite takes a refusal as well as a client that tries every key.
    ['oidcc-client-test-kid-absent-multiple-jwks', 'oidc', 'id-token-kid-absent-multiple-jwks', 'login-unverified'],
    ['oidcc-client-test-idtoken-sig-rs256', 'oidc', 'id-token-sig-rs256', 'identified'],
    // The suite lets only those accept it who registered for it.
    ['oidcc-client-test-idtoken-sig-none', 'oidc', 'id-token-sig-none', 'login-unverified'],
    ['oidcc-client-test-invalid-sig-rs256', 'oidc', 'id-token-invalid-sig-rs256', 'login-unverified'],
    ['oidcc-client-test-userinfo-bearer-header', 'oidc', undefined, 'identified'],
    ['oidcc-client-test-userinfo-bearer-body', 'oidc, bearer in the body', undefined, 'identified'],
    ['oidcc-client-test-userinfo-invalid-sub', 'franceconnect', 'userinfo-invalid-sub', 'login-unverified'],
    ['oidcc-client-test-nonce-invalid', 'franceconnect', 'id-token-invalid-nonce', 'login-unverified'],
    // The birth date that scope `birthdate` asks for stands on the confirm page.
    ['oidcc-client-test-scope-userinfo-claims', 'franceconnect', undefined, 'identified'],
    ['oidcc-client-test-client-secret-basic', 'oidc', undefined, 'identified'],
  ];

  test('are 16', () => {
    expect(new Set(rows.map(([condition]) => condition)).size).toBe(16);
  });

  test.each(rows)('%s (%s)', async (_condition, profile, lie, outcome) => {
    await expectOutcome(worlds[profile], lie, outcome);
  });

  test('the secret and the access token go where each profile says', async () => {
    const seen = async (profile: ProfileName) => {
      using watch = new Watch(worlds[profile].franceConnect.port);
      await comeBack(worlds[profile]);
      const [token, userinfo] = [watch.to('/token')[0]!, watch.to('/userinfo')[0]!];
      const scheme = (header: string | undefined) => header?.split(' ')[0];
      return [scheme(token.headers.authorization), userinfo.method, scheme(userinfo.headers.authorization)];
    };
    expect(await seen('franceconnect')).toEqual([undefined, 'GET', 'Bearer']);
    expect(await seen('oidc')).toEqual(['Basic', 'GET', 'Bearer']);
    expect(await seen('oidc, bearer in the body')).toEqual(['Basic', 'POST', undefined]);
  });
});

describe('every lie of the simulator', () => {
  const believed = 'identified';
  const unverified = 'login-unverified';
  /** By profile, where they differ: `oidc` agreed on RS256 and on plain JSON for userinfo. */
  const outcomes: Record<Lie, Outcome | Record<'franceconnect' | 'oidc' | 'oidc, signed userinfo', Outcome>> = {
    'id-token-invalid-iss': unverified,
    'id-token-missing-sub': unverified,
    'id-token-invalid-aud': unverified,
    'id-token-missing-aud': unverified,
    'id-token-secondary-aud': unverified,
    'id-token-missing-iat': unverified,
    'id-token-missing-exp': unverified,
    'id-token-missing-iss': unverified,
    'id-token-expired': unverified,
    'id-token-from-the-future': unverified,
    'id-token-invalid-nonce': unverified,
    'id-token-missing-nonce': unverified,
    'id-token-lower-acr': { franceconnect: 'acr-too-low', oidc: believed, 'oidc, signed userinfo': believed },
    'id-token-missing-acr': { franceconnect: 'acr-too-low', oidc: believed, 'oidc, signed userinfo': believed },
    'id-token-invalid-at-hash': unverified,
    'id-token-valid-at-hash': believed,
    'id-token-kid-absent-single-jwks': believed,
    'id-token-kid-absent-multiple-jwks': unverified,
    'id-token-kid-unknown': unverified,
    'id-token-sig-rs256': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': believed },
    'id-token-sig-es256': { franceconnect: believed, oidc: unverified, 'oidc, signed userinfo': unverified },
    'id-token-sig-none': unverified,
    'id-token-invalid-sig': unverified,
    'id-token-invalid-sig-rs256': unverified,
    'id-token-invalid-sig-es256': unverified,
    'id-token-sig-hs256': unverified,
    'id-token-sig-hs256-public-key': unverified,
    'id-token-missing': unverified,
    'access-token-missing': unverified,
    'userinfo-invalid-sub': unverified,
    'userinfo-missing-sub': unverified,
    'userinfo-unsigned': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': unverified },
    'userinfo-sig-none': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': unverified },
    'userinfo-sig-rs256': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': believed },
    'userinfo-sig-es256': { franceconnect: believed, oidc: believed, 'oidc, signed userinfo': unverified },
    'userinfo-sig-hs256': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': unverified },
    'userinfo-invalid-sig': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': unverified },
    'userinfo-invalid-iss': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': unverified },
    'userinfo-invalid-aud': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': unverified },
    'userinfo-expired': { franceconnect: unverified, oidc: believed, 'oidc, signed userinfo': unverified },
    'userinfo-missing-birthdate': 'birthdate-missing',
    'userinfo-malformed-birthdate': 'birthdate-missing',
    'callback-invalid-iss': unverified,
    'callback-missing-iss': unverified,
    'callback-invalid-state': 'journey-unknown',
    'callback-missing-state': 'journey-unknown',
    'discovery-issuer-mismatch': unverified,
    'jwks-empty': unverified,
  };

  describe.each(['franceconnect', 'oidc', 'oidc, signed userinfo'] as const)('%s', (profile) => {
    const told = LIE_NAMES.filter((lie) => lie !== 'discovery-issuer-mismatch');
    const ofProfile = profile === 'oidc, signed userinfo' ? told.filter((lie) => lie.startsWith('userinfo-')) : told;
    const rows = ofProfile.map((lie) => {
      const outcome = outcomes[lie];
      return { lie, outcome: typeof outcome === 'string' ? outcome : outcome[profile] };
    });

    test.each(rows)('$lie: $outcome', async ({ lie, outcome }) => {
      await expectOutcome(worlds[profile], lie, outcome);
    });
  });

  test('an issuer that its own document contradicts is not gone to, and pages go on', async () => {
    const world = worlds.franceconnect;
    const { switches } = world.franceConnect;
    switches.discovery.status = 503;
    await world.restart();
    switches.discovery.status = undefined;
    switches.lie = 'discovery-issuer-mismatch';
    const browser = world.browser();
    await browser.get(`${world.origin}/petitions/jardins`);
    await browser.submit({}, { form: '/sign' });
    expectRefusal(world, browser.page, 'login-unverified', 502);
    expect(browser.jar.all).toEqual([]);
    expect((await fetch(`${world.origin}/petitions/jardins`)).status).toBe(200);
    switches.lie = undefined;
    await expectOutcome(world, undefined, 'identified');
  });
});
