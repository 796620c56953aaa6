import { test } from 'vitest';
import { startWorld, logIn } from '../fakes/world.ts';
import { startFranceConnect } from '../../src/demo/franceconnect/server.ts';
const show = (world: any, b: any, name: string, from: number) => console.log(name, b.page.status, /Code [a-z-]+/.exec(b.page.text)?.[0] ?? b.page.text.slice(0, 100), '\n   ', world.lines.slice(from).join('    ').slice(0, 500));
test('probe', async () => {
  {
  const world = await startWorld({ env: { IDENTITY_TIMEOUT_MS: '400' }});
  const sw = world.franceConnect.switches;
  const run = async (name: string) => {
    const n = world.lines.length;
    const b = world.browser();
    const t = performance.now();
    try { await logIn(b, world, 'jardins', 'test'); show(world, b, name + ' ' + Math.round(performance.now() - t), n); } catch (e) { console.log(name, 'THREW', String(e).slice(0,300), world.lines.slice(n).join('').slice(0,900)); }
  };
  for (const ep of ['token', 'userinfo', 'discovery', 'jwks'] as const) for (const f of [500, 503, 404, 400, 429, 200, 204, 'truncated', 'wrong-content-type', 'ten-megabytes', 'redirect-loop', 'hang'] as const) {
    if (typeof f === 'number') sw[ep].status = f; else sw[ep].fault = f;
    if (ep === 'discovery' || ep === 'jwks') await world.restart();
    await run(ep + ' ' + f);
    sw[ep].status = undefined; sw[ep].fault = undefined;
  }
  await world.close();
  }
  for (const rules of ['standard', 'franceconnect'] as const) {
  const world = await startWorld({ env: rules === 'standard' ? { IDENTITY_PROFILE: 'oidc', IDENTITY_USERINFO_ALG: 'none', IDENTITY_CLIENT_SECRET: 'not-the-right-secret-0123456789' } : { IDENTITY_CLIENT_SECRET: 'not-the-right-secret-0123456789' }, franceConnect: { rules }, client: rules === 'standard' ? { tokenAuth: 'client_secret_basic' } : {} });
  const n = world.lines.length; const b = world.browser(); await logIn(b, world, 'jardins', 'test'); show(world, b, 'wrong secret ' + rules, n);
  await world.close();
  }
  {
    const world = await startWorld({ env: { IDENTITY_CLIENT_ID: 'other' } });
    const n = world.lines.length; const b = world.browser(); try {await logIn(b, world, 'jardins', 'test'); } catch(e) {console.log(String(e))}; show(world, b, 'unknown client ', n);
    await world.close();
  }
}, 60000);
