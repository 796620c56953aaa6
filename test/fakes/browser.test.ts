import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Browser } from './browser.ts';
import { CookieJar } from './cookie-jar.ts';
import { formsOf, linksOf, textOf } from './html.ts';

describe('cookies', () => {
  const at = (jar: CookieJar, url: string, sameSite = true, method = 'GET') =>
    jar.header(new URL(url), { sameSite, method });
  const jarWith = (...headers: string[]) => {
    const jar = new CookieJar();
    for (const header of headers) jar.set(header, new URL('http://localhost:3000/a/b'));
    return jar;
  };

  test('belong to a host name, whatever its port', () => {
    const jar = jarWith('one=1; Path=/');
    expect(at(jar, 'http://localhost:3001/')).toBe('one=1');
    expect(at(jar, 'http://127.0.0.1:3000/')).toBeUndefined();
  });

  test('belong to a path, the longest first; without one, to the folder of the page', () => {
    const jar = jarWith('root=1; Path=/', 'deep=2; Path=/a/b', 'folder=3');
    expect(at(jar, 'http://localhost/a/b/c')).toBe('deep=2; folder=3; root=1');
    expect(at(jar, 'http://localhost/a/bc')).toBe('folder=3; root=1');
    expect(at(jar, 'http://localhost/ab')).toBe('root=1');
  });

  test('end by Max-Age, which goes before Expires, and are replaced by name, host and path', () => {
    let now = 0;
    const jar = new CookieJar(() => now);
    const from = new URL('http://localhost/');
    jar.set('a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT', from);
    jar.set('a=2; Max-Age=20', from);
    now = 19_999;
    expect(at(jar, 'http://localhost/')).toBe('a=2');
    now = 20_000;
    expect(at(jar, 'http://localhost/')).toBeUndefined();
    jar.set('b=1', from);
    jar.set('b=; Max-Age=0', from);
    jar.set('c=1', from);
    jar.set('c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT', from);
    expect(jar.all).toEqual([]);
  });

  test('that are Secure or prefixed are dropped on http', () => {
    expect(jarWith('a=1; Secure', '__Host-b=1; Path=/', '__Secure-c=1', 'd=1; SameSite=None').all).toEqual([]);
    const jar = new CookieJar();
    jar.set('__Host-a=1; Secure; Path=/', new URL('https://example.org/'));
    jar.set('__Host-b=1; Secure; Path=/x', new URL('https://example.org/'));
    jar.set('c=1; Domain=example.org', new URL('https://www.example.org/'));
    jar.set('d=1; Domain=other.org', new URL('https://www.example.org/'));
    expect(jar.all.map(({ name }) => name)).toEqual(['__Host-a', 'c']);
    expect(at(jar, 'https://sub.example.org/')).toBe('c=1');
  });

  test('from another site are sent if they are Lax and the method is GET', () => {
    const jar = jarWith('lax=1; Path=/', 'strict=2; SameSite=Strict; Path=/');
    expect(at(jar, 'http://localhost/', false)).toBe('lax=1');
    expect(at(jar, 'http://localhost/', false, 'POST')).toBeUndefined();
    expect(at(jar, 'http://localhost/', true, 'POST')).toBe('lax=1; strict=2');
  });
});

describe('pages', () => {
  test('forms have fields, boxes, areas, choices and buttons', () => {
    const html = `<form id="f" method="post" action="/go?x=1&amp;y=2">
      <input type="hidden" name="token" value="&quot;a&#39;b&#x26;"> <input name="empty"><input type=checkbox name="off">
      <input type="checkbox" name="on" checked><textarea name="area">\nl&eacute;gal &lt;</textarea>
      <select name="choice"><option value="1">Un</option><option value="2" selected>Deux</option></select>
      <button type="button">no</button><button name="go" value="now">Aller <b>là</b></button></form>`;
    expect(formsOf(html)).toEqual([
      {
        id: 'f',
        action: '/go?x=1&y=2',
        method: 'POST',
        fields: [
          ['token', '"a\'b&'],
          ['empty', ''],
          ['on', 'on'],
          ['area', 'l&eacute;gal <'],
          ['choice', '2'],
        ],
        buttons: [{ label: 'Aller là', name: 'go', value: 'now' }],
      },
    ]);
  });

  test('links and words', () => {
    const html =
      '<head><title>no</title></head><p>A&amp;B</p><!-- no --><a class="x" href="/y?a=1&amp;b=2">Le <i>lien</i></a>';
    expect(linksOf(html)).toEqual([{ text: 'Le lien', href: '/y?a=1&b=2' }]);
    expect(textOf(html)).toBe('A&B Le lien');
  });
});

describe('a browser', () => {
  const servers: Server[] = [];

  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  type Handler = (request: IncomingMessage, response: ServerResponse) => void;

  async function serve(handler: Handler): Promise<string> {
    const server = createServer(handler).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const form = (action: string) =>
    `<form method="post" action="${action}"><input name="word"><button>Go</button></form>`;

  test('follows redirects, as GET after 303 and as POST after 307, and records each exchange', async () => {
    const host = await serve((request, response) => {
      if (request.url === '/303') response.writeHead(303, { location: '/end', 'set-cookie': 'seen=1' }).end();
      else if (request.url === '/307') response.writeHead(307, { location: '/end' }).end();
      else response.end(`${request.method} ${request.headers.cookie ?? ''}<a href="/303">again</a>${form('/307')}`);
    });
    const browser = new Browser();
    await browser.get(`http://${host}/303`);
    expect(browser.page.text).toContain('GET seen=1');
    await browser.submit({ word: 'é&' });
    expect(browser.page.text).toContain('POST seen=1');
    expect(browser.history.map(({ method, status }) => `${method} ${status}`)).toEqual([
      'GET 303',
      'GET 200',
      'POST 307',
      'POST 200',
    ]);
    expect(browser.history.at(-1)?.requestBody).toBe('word=%C3%A9%26');
    await browser.follow('again');
    expect(browser.page.url).toBe(`http://${host}/end`);
  });

  test('says where it comes from: site, origin, user', async () => {
    const host = await serve((request, response) => {
      const { origin, 'sec-fetch-site': site } = request.headers;
      response.end(`${site} ${origin}${form('/')}`);
    });
    const browser = new Browser();
    await browser.get(`http://${host}/`);
    expect(browser.page.text).toContain('none undefined');
    await browser.submit();
    expect(browser.page.text).toContain(`same-origin http://${host}`);
    await browser.post(`http://${host}/`, {}, 'http://127.0.0.1:1/');
    expect(browser.page.text).toContain('same-site http://127.0.0.1:1');
    await browser.post(`http://${host}/`, {}, 'http://localhost:1/');
    expect(browser.page.text).toContain('cross-site http://localhost:1');
  });

  test('posts with an opaque origin from a page without referrer', async () => {
    const host = await serve((request, response) => {
      response.setHeader('referrer-policy', 'no-referrer');
      response.end(`${request.headers.origin}${form('/')}`);
    });
    const browser = new Browser();
    await browser.get(`http://${host}/`);
    await browser.submit();
    expect(browser.page.text).toContain('null');
  });

  test('does not send Lax cookies with another site’s POST, nor Strict ones with its links', async () => {
    const host = await serve((request, response) => {
      response.setHeader('set-cookie', ['lax=1; SameSite=Lax; Path=/', 'strict=1; SameSite=Strict; Path=/']);
      response.end(request.headers.cookie ?? 'nothing');
    });
    const browser = new Browser();
    await browser.get(`http://${host}/`);
    await browser.visit(`http://${host}/`, 'http://localhost:1/');
    expect(browser.page.text).toBe('lax=1');
    await browser.post(`http://${host}/`, {}, 'http://localhost:1/');
    expect(browser.page.text).toBe('nothing');
    await browser.reload();
    expect(browser.page.text).toBe('lax=1; strict=1');
  });

  test('holds form-action against the form and the redirects after it', async () => {
    const other = await serve((_request, response) => response.end('other'));
    const policies = {
      none: "form-action 'none'",
      self: "form-action 'self'",
      both: `form-action 'self' http://${other}`,
    };
    const host = await serve((request, response) => {
      const name = new URL(request.url ?? '', 'http://x').pathname.slice(1) as keyof typeof policies;
      if (request.method === 'POST') response.writeHead(303, { location: `http://${other}/` }).end();
      else response.setHeader('content-security-policy', `default-src 'none'; ${policies[name]}`).end(form('/'));
    });
    const browser = new Browser();
    for (const name of ['none', 'self']) {
      await browser.get(`http://${host}/${name}`);
      await expect(browser.submit()).rejects.toThrow('form-action');
    }
    await browser.get(`http://${host}/both`);
    await browser.submit();
    expect(browser.page.text).toBe('other');
  });

  test('shares cookies between tabs, and stops where it is told to', async () => {
    const host = await serve((request, response) => {
      if (request.url === '/away') response.writeHead(302, { location: 'http://127.0.0.1:9/callback?code=1' }).end();
      else response.setHeader('set-cookie', 'a=1; Path=/').end(request.headers.cookie ?? 'nothing');
    });
    const browser = new Browser({ stopAt: (url) => url.port === '9' });
    await browser.get(`http://${host}/`);
    const tab = browser.tab();
    await tab.get(`http://${host}/`);
    expect(tab.page.text).toBe('a=1');
    await tab.get(`http://${host}/away`);
    expect(tab.page.url).toBe('http://127.0.0.1:9/callback?code=1');
    expect(browser.page.url).toBe(`http://${host}/`);
    expect(browser.history).toHaveLength(3);
  });

  test('complains about what is not there, or not clear', async () => {
    const host = await serve((_request, response) => response.end(`${form('/one')}${form('/two')}`));
    const browser = new Browser();
    expect(() => browser.page).toThrow('no page');
    await browser.get(`http://${host}/`);
    await expect(browser.submit()).rejects.toThrow('which form');
    await expect(browser.submit({ wrong: 'x' }, { form: '/one' })).rejects.toThrow('no field wrong');
    await expect(browser.submit({}, { form: '/one', button: 'Stop' })).rejects.toThrow('no button Stop');
    await expect(browser.follow('nowhere')).rejects.toThrow('no link nowhere');
    await browser.submit({ word: 'x' }, { form: '/two' });
    expect(browser.page.url).toBe(`http://${host}/two`);
  });

  test('gives up on a loop and on silence', async () => {
    const host = await serve((request, response) => {
      if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    });
    await expect(new Browser({ maxRedirects: 3 }).get(`http://${host}/loop`)).rejects.toThrow('more than 3 redirects');
    await expect(new Browser({ timeout: 50 }).get(`http://${host}/mute`)).rejects.toThrow();
  });
});
