/** Reading, in a real Chromium, JavaScript off: each link of each public page is followed, in both languages. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Chromium, type Person } from '../fakes/chromium.ts';
import { GARDENS, startWorld, TRAINS, type World } from '../fakes/world.ts';

const CLOSED = 'slug: cantines\ntitle: Des cantines locales\nmin_age: 18\ndepartments: false\ncloses: 2020-01-01';

let world: World;
let chromium: Chromium;

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld({ petitions: [GARDENS, TRAINS, CLOSED] }), Chromium.start()]);
  const signer = await chromium.person();
  await signer.sign(`${world.origin}/petitions/trains`, 'test', '75');
  await signer.close();
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

/** Follows every link within the site, each once; the addresses that were opened, with their status. */
async function readEverything(reader: Person, start: string): Promise<Map<string, number>> {
  const opened = new Map<string, number>();
  const waiting = [start];
  for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) {
    if (opened.has(url)) continue;
    // A spreadsheet is saved, not shown.
    if (url.endsWith('.csv')) {
      opened.set(url, (await reader.context.request.get(url)).status());
      continue;
    }
    opened.set(url, await reader.open(url));
    const links = (await reader.page.evaluate('[...document.links].map(({ href }) => href)')) as string[];
    const within = links.filter((href) => href.startsWith(`${world.origin}/`));
    waiting.push(...within.map((href) => href.replace(/#.*/, '')));
  }
  return opened;
}

test.each(['fr', 'en'])(
  'Léa reads all there is in %s: no cookie, no other site, no complaint, no dead link',
  async (lang) => {
    const lea = await chromium.person();
    const opened = await readEverything(lea, `${world.origin}/?lang=${lang}`);
    const paths = [...opened.keys()].map((url) => new URL(url).pathname);
    expect(paths).toEqual(
      expect.arrayContaining([
        '/petitions/trains',
        '/petitions/cantines',
        '/petitions/trains/figures',
        '/petitions/trains/figures.csv',
        '/petitions.csv',
        '/how-it-works',
        '/privacy',
        '/accessibility',
        '/verify',
        '/api/petitions',
        '/api/petitions/trains/tally',
        '/.well-known/jwks.json',
      ]),
    );
    expect([...opened].filter(([, status]) => status !== 200)).toEqual([]);
    expect(await lea.watch.cookies()).toEqual([]);
    expect(await lea.cookies()).toEqual([]);
    expect(lea.watch.requests.filter((request) => !request.startsWith(`GET ${world.origin}/`))).toEqual([]);
    expect(lea.watch.complaints).toEqual([]);
    const kept = await lea.context.storageState();
    expect(kept.origins).toEqual([]);
  },
);

test('what Léa’s browser would notice: a cookie, another site, a violated policy', async () => {
  const trap = createServer((_request, response) => {
    response.setHeader('set-cookie', 'trap=1');
    response.setHeader('content-security-policy', "style-src 'self'");
    response.setHeader('content-type', 'text/html');
    response.end('<style>p { color: red }</style><img src="http://127.0.0.1:9/pixel.png" alt="">');
  });
  trap.listen(0, '127.0.0.1');
  await once(trap, 'listening');
  try {
    const lea = await chromium.person();
    const address = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/`;
    await lea.open(address);
    expect(await lea.watch.cookies()).toEqual([`${address}: trap`]);
    expect(lea.watch.requests).toContain('GET http://127.0.0.1:9/pixel.png');
    expect(lea.watch.complaints).toContainEqual(expect.stringContaining('Content Security Policy'));
    await lea.close();
  } finally {
    trap.close();
  }
});
