/** The level that was asked for is checked when it comes back: `acr_values` alone is a wish (OpenID Connect Core §5.5.1.1). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  arriveAtDoor,
  comeBack,
  expectConfirmPage,
  expectHealthyLogin,
  expectRefusal,
  expectRefused,
  journeyCookies,
  OIDC,
  startWatchedWorld,
  storedSignatures,
  type WatchedWorld,
} from './arrival.ts';

let world: WatchedWorld;

beforeAll(async () => {
  world = await startWatchedWorld();
});

afterAll(async () => {
  expect(storedSignatures(world)).toBe(0);
  await world.close();
});

describe('the level of assurance', () => {
  const withAcr = (acr: unknown) => {
    world.franceConnect.switches.alterations.idToken = {
      change: ({ header, payload: { acr: _acr, ...payload } }) => ({
        header,
        payload: acr === undefined ? payload : { ...payload, acr },
      }),
    };
  };

  afterEach(() => {
    delete world.franceConnect.switches.alterations.idToken;
  });

  test.each([['eidas0'], ['eidas9'], ['EIDAS1'], ['eidas1 '], [''], [undefined], [null], [1], [['eidas1']]])(
    '%j is none, or too low',
    async (acr) => {
      withAcr(acr);
      const arrival = await arriveAtDoor(world);
      await expectRefused(world, arrival, await arrival.browser.get(arrival.callback), 'acr-too-low', 403);
    },
  );

  test.each(['eidas1', 'eidas2', 'eidas3'])('%s will do where eidas1 is asked for', async (acr) => {
    withAcr(acr);
    expectConfirmPage((await comeBack(world)).page);
  });

  test('too low, a person can log out there, to choose another account', async () => {
    withAcr('eidas0');
    const { browser } = await comeBack(world);
    expect(browser.jar.find('fc_session')).toBeDefined();
    await browser.submit({}, { form: '/logout' });
    expect(new URL(browser.page.url).pathname).toBe('/petitions/jardins');
    expect(browser.jar.find('fc_session')).toBeUndefined();
    expect(journeyCookies(browser)).toEqual([]);
    withAcr('eidas1');
    await browser.submit({}, { form: '/sign' });
    expect(browser.page.html).not.toContain('/information'); // it asks again who they are
  });

  test('under profile oidc is compared as it is', async () => {
    await using other = await startWatchedWorld({ ...OIDC, env: { ...OIDC.env, IDENTITY_ACR: 'eidas1' } });
    await expectHealthyLogin(other);
    other.franceConnect.switches.alterations.idToken = {
      change: ({ header, payload }) => ({ header, payload: { ...payload, acr: 'eidas2' } }),
    };
    expectRefusal(other, (await comeBack(other)).page, 'acr-too-low', 403);
  });
});
