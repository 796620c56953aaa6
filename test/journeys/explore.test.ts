import { test } from 'vitest';
import { Chromium } from '../fakes/chromium.ts';
import { startWorld } from '../fakes/world.ts';
test('x', async () => {
  const world = await startWorld();
  await using chromium = await Chromium.start();
  for (const mode of ['again']) {
  const p = await chromium.person();
  await p.logIn(`${world.origin}/petitions/jardins`, 'test');
  const t = performance.now();
  const at = (...s: unknown[]) => console.log(mode, (performance.now() - t) | 0, ...s);
  const [caught] = await p.loseAnswersOf(mode === 'again' ? '*/logout/callback*' : mode);
  await p.mainButton.click({noWaitAfter: true});
  at('clicked');
  await caught; at('caught', p.page.url());
  if (mode === 'again') { await p.mainButton.click({noWaitAfter: true}); await new Promise(r => setTimeout(r, 1500)); at(p.watch.requests.slice(-6).map(u => u.slice(0,90)), p.page.url()); return world.close();  }
  else {
  // stop + back? 
  await p.page.goBack().catch(e => at(String(e)));
  at(p.page.url(), await p.heading());
  await p.page.goForward().catch(e => at(String(e)));
  }
  at(p.page.url(), await p.heading(), await p.text(), await p.cookies());
  }
  await world.close();
});
