/**
 * The end of a FranceConnect session. oidc-provider has checked the hint and the address to return to, and would now
 * show a form that a script submits; FranceConnect redirects at once, and so does this, without a script.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';

/** `showLoggedOut` answers where there is no address to return to. */
export async function endSession(
  ctx: KoaContextWithOIDC,
  showLoggedOut: (ctx: KoaContextWithOIDC) => void,
): Promise<void> {
  const { provider, session, params, cookies } = ctx.oidc;
  if (session === undefined) throw new TypeError('the logout route loads the session');
  for (const { grantId } of Object.values(session.authorizations ?? {})) {
    if (grantId === undefined) continue;
    await provider.AccessToken.revokeByGrantId(grantId);
    await provider.AuthorizationCode.revokeByGrantId(grantId);
  }
  await session.destroy();
  cookies.set(provider.cookieName('session'), null, { httpOnly: true, sameSite: 'lax' });
  if (typeof params?.post_logout_redirect_uri !== 'string') return showLoggedOut(ctx);
  const target = new URL(params.post_logout_redirect_uri);
  if (typeof params.state === 'string') target.searchParams.set('state', params.state);
  ctx.status = 302;
  ctx.redirect(target.href);
}
