import { describe, expect, test } from 'vitest';
import { AFTER_LOGOUT, RelyingParty } from './relying-party.ts';

describe('a live session', () => {
  test('shows the information page at once, without choice and password, even when a new login is asked for', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    const first = await service.redeem(await service.logIn('test', browser));
    await browser.get(service.authorizeUrl({ prompt: 'login' }));
    expect(browser.page.text).toContain('date de naissance');
    await browser.submit();
    const second = await service.redeem(new URL(browser.page.url));
    expect(second.claims.sub).toBe(first.claims.sub);
    expect(second.claims.auth_time).toBe(first.claims.auth_time);
  });

  test('is another browser’s business', async () => {
    await using service = await RelyingParty.start();
    await service.logIn('test');
    const other = service.browser();
    await other.get(service.authorizeUrl());
    expect(other.page.text).toContain('Choisissez un compte');
  });

  test('has cookies with a name of their own, that last half an hour', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await service.logIn('test', browser);
    expect(browser.jar.all.map(({ name }) => name).every((name) => name.startsWith('fc_'))).toBe(true);
    const session = browser.jar.find('fc_session');
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'lax', path: '/' });
    expect((session?.expires ?? 0) - Date.now()).toBeGreaterThan(1_790_000);
    expect((session?.expires ?? 0) - Date.now()).toBeLessThanOrEqual(1_801_000);
  });
});

describe('logging out', () => {
  const loggedIn = async (service: RelyingParty) => {
    const browser = service.browser();
    const { tokens } = await service.redeem(await service.logIn('test', browser));
    return { browser, hint: tokens.id_token, accessToken: tokens.access_token };
  };

  test('ends the session and leads straight back to the service, with its state', async () => {
    await using service = await RelyingParty.start();
    const { browser, hint, accessToken } = await loggedIn(service);
    const before = browser.history.length;
    await browser.get(
      service.endSessionUrl({ id_token_hint: hint, post_logout_redirect_uri: AFTER_LOGOUT, state: 'of-logout' }),
    );
    expect(browser.page.url).toBe(`${AFTER_LOGOUT}?state=of-logout`);
    expect(browser.history.length - before).toBe(1);
    expect(browser.page.status).toBe(302);
    expect(browser.jar.find('fc_session')).toBeUndefined();
    expect((await service.userinfo(accessToken)).status).toBe(401);
    await browser.get(service.authorizeUrl());
    expect(browser.page.text).toContain('Choisissez un compte');
  });

  test('takes an id_token that has expired as a hint', async () => {
    await using service = await RelyingParty.start();
    service.franceConnect.switches.lie = 'id-token-expired';
    const browser = service.browser();
    const response = await service.token(await service.logIn('test', browser));
    const { id_token: hint } = (await response.json()) as { id_token: string };
    await browser.get(
      service.endSessionUrl({ id_token_hint: hint, post_logout_redirect_uri: AFTER_LOGOUT, state: 's' }),
    );
    expect(browser.page.url).toBe(`${AFTER_LOGOUT}?state=s`);
  });

  test('without a session ends on a page of FranceConnect, with no way back', async () => {
    await using service = await RelyingParty.start();
    const { browser, hint } = await loggedIn(service);
    browser.jar.clear();
    await browser.get(
      service.endSessionUrl({ id_token_hint: hint, post_logout_redirect_uri: AFTER_LOGOUT, state: 's' }),
    );
    expect(browser.page.status).toBe(400);
    expect(browser.page.text).toContain('Votre session FranceConnect a expiré');
    expect(browser.page.html).not.toContain('<a ');
  });

  test('without an address to return to says so', async () => {
    await using service = await RelyingParty.start();
    const { browser, hint } = await loggedIn(service);
    await browser.get(service.endSessionUrl({ id_token_hint: hint }));
    expect(browser.page.text).toContain('Vous êtes déconnecté');
    expect(browser.page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test('refuses other parameters, a missing or forged hint, and an address that is not registered', async () => {
    await using service = await RelyingParty.start();
    const { browser, hint = '' } = await loggedIn(service);
    const refused = [
      { post_logout_redirect_uri: AFTER_LOGOUT },
      { id_token_hint: hint, post_logout_redirect_uri: AFTER_LOGOUT, extra: 'x' },
      { id_token_hint: hint, post_logout_redirect_uri: `${AFTER_LOGOUT}/` },
      { id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example/' },
      { id_token_hint: `${hint.slice(0, -8)}AAAAAAAA`, post_logout_redirect_uri: AFTER_LOGOUT },
      { id_token_hint: 'not-a-token', post_logout_redirect_uri: AFTER_LOGOUT },
    ];
    for (const parameters of refused) {
      await browser.get(service.endSessionUrl(parameters));
      expect(browser.page.status, JSON.stringify(parameters)).toBe(400);
    }
    expect(browser.jar.find('fc_session')).toBeDefined();
  });
});
