/** POST to a witness by Node's own `fetch`: kept-alive connections, no redirect followed, a limit on what is read. */
import type { Post } from './witnesses.ts';

/** A hundred signature lines of the largest kind are a third of a megabyte; a witness sends one or two. */
const MOST_BYTES = 64 * 1024;

/** Rejects with `Error` when there is no answer, it is cut short or too large, or `signal` ends it. */
export const postText: Post = async (url, body, signal) => {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
  const response = await fetch(url, { method: 'POST', body, headers, redirect: 'manual', signal });
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? undefined,
    body: await readBody(response),
  };
};

async function readBody(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the rest.
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
