/**
 * What pages of other sites may read: the public JSON, the receipts' keys and the log, their errors included. Nothing of a
 * journey. There is no credential in any of it, so every origin is answered alike and no cache has to tell them apart.
 */
import type { RequestHandler } from 'express';
import type { Headers } from './security.ts';

export const FOR_ALL_SITES: Headers = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Expose-Headers', 'ETag'],
];

/** Whether an address is one of those, and its errors are JSON. */
export function isForAllSites(path: string): boolean {
  return ['/api/', '/.well-known/', '/log/'].some((prefix) => path.startsWith(prefix));
}

/** `OPTIONS`: what a browser asks before a page may send `If-None-Match` (Fetch, CORS preflight). */
export function preflight(): RequestHandler {
  return (_req, res) => {
    for (const [name, value] of FOR_ALL_SITES) res.setHeader(name, value);
    res.setHeader('Access-Control-Allow-Methods', 'GET, HEAD');
    res.setHeader('Access-Control-Allow-Headers', 'If-None-Match');
    res.setHeader('Access-Control-Max-Age', '86400');
    res.status(204).end();
  };
}
