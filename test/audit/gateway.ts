/** A gateway that shows a log: its files, its JSON and its pages, true or as a test falsifies them. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Entry } from '../../src/log/entry.ts';
import { encodeBase64 } from '../../src/tlog/base64.ts';
import { parseSignedCheckpoint } from '../../src/tlog/checkpoint.ts';
import type { LogFiles } from '../fakes/exported-log.ts';
import { naiveTally } from '../log/naive-fold.ts';
import { bytesOf } from '../tlog/crypto.ts';
import { exported, KEY } from './sample-log.ts';

type Body = Record<string, unknown>;
/** Changes what is answered at a path. */
export type Falsify = (path: string, body: Body | string) => Body | string;

export const SLUGS = ['roses', 'bread'];

/** All that a gateway answers for a log. @param falsify as seen by the auditor */
export async function gatewayFiles(
  entries: readonly Entry[],
  texts: readonly string[],
  falsify: Falsify = (_path, body) => body,
): Promise<LogFiles> {
  const files = await exported(entries);
  const { size, root } = parseSignedCheckpoint(files.get('log/checkpoint')!).checkpoint;
  const checkpoint = { origin: KEY.key.name, size, root: encodeBase64(root) };
  const put = (path: string, body: Body | string) => {
    const given = falsify(path, body);
    files.set(path, bytesOf(typeof given === 'string' ? given : JSON.stringify(given)));
  };
  const listed = entries
    .filter((entry) => entry.kind === 'petition-opened')
    .map((opened, i) => {
      const tally = naiveTally(entries, opened.petition);
      const slug = SLUGS[i]!;
      const [title, text] = texts[i]!.split('\n\n');
      const { statement, day, closes, min_age, departments } = opened;
      const rules = { statement, opened: day, closes, min_age, departments };
      const about = { id: opened.petition, slug, title, status: 'open', ...rules, signatures: tally.total };
      put(`api/petitions/${slug}`, { ...about, text });
      const by_department = departments ? tally.by_department : null;
      put(`api/petitions/${slug}/tally`, { petition: opened.petition, ...tally, by_department, checkpoint });
      const attributes = `data-count data-signatures="${tally.total}" data-checkpoint-size="${size}"`;
      const shown = tally.total.toLocaleString('en-GB');
      put(
        `petitions/${slug}?lang=en`,
        `<main><p class="count" ${attributes}><strong>${shown}</strong> signatures</p></main>`,
      );
      return { about, count: `<p data-petition="${opened.petition}" ${attributes}>${shown}</p>` };
    });
  put('api/petitions', { petitions: listed.map(({ about }) => about) });
  put('?lang=en', `<main>${listed.map(({ count }) => count).join('')}</main>`);
  return files;
}

export type WebLog = { readonly url: string; files: LogFiles; readonly asked: string[]; close(): Promise<void> };

/** Serves files over HTTP; `files` may be changed between two requests. */
export async function serveLog(files: LogFiles): Promise<WebLog> {
  const asked: string[] = [];
  const server: Server = createServer((req, res) => {
    const path = (req.url ?? '/').slice(1);
    asked.push(path);
    const bytes = log.files.get(path);
    res.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const log: WebLog = { url, files, asked, close };
  return log;
}
