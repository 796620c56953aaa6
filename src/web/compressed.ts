/** Public text as gzip (RFC 1952), for readers who take it: a petition's page is a third of itself on a weak network. */
import { gzipSync } from 'node:zlib';

const TEXT = /^(?:text\/(?:html|css|csv)|application\/json|image\/svg\+xml)\b/;
/** Below this, there is nothing to gain. */
const WORTHWHILE = 600;

/** @returns `undefined` for what is not text, or too short */
export function compressible(type: string | undefined, body: Buffer): (() => Buffer) | undefined {
  if (body.length < WORTHWHILE || !TEXT.test(type ?? '')) return undefined;
  let compressed: Buffer | undefined;
  return () => {
    compressed ??= gzipSync(body);
    return compressed;
  };
}

/** Whether `Accept-Encoding` takes gzip (RFC 9110 §12.5.3). */
export function takesGzip(header: string | string[] | undefined): boolean {
  return typeof header === 'string' && /(?:^|[\s,])gzip\s*(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))(?:[;,]|$)/i.test(header);
}
