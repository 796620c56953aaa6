/**
 * The log as files (c2sp.org/tlog-tiles): the checkpoint changes and is cached for a moment, everything else never changes.
 * Read from anywhere, by anyone, from other sites' pages too.
 */
import type { Request, RequestHandler } from 'express';
import { Refusal } from '../../errors.ts';
import { Malformed } from '../../tlog/errors.ts';
import { makeReady, sendReady } from '../answer.ts';
import { FOR_ALL_SITES } from '../cors.ts';
import type { WebDependencies } from '../dependencies.ts';
import type { Headers, SecurityHeaders } from '../security.ts';

const FOR_EVER: Headers = [...FOR_ALL_SITES, ['Cache-Control', 'public, max-age=31536000, immutable']];
const FOR_A_MOMENT: Headers = [...FOR_ALL_SITES, ['Cache-Control', 'public, max-age=1']];

const PLAIN = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';

export function logFiles(deps: WebDependencies, security: SecurityHeaders) {
  const { log } = deps;

  function file(type: string, caching: Headers, find: (req: Request) => Promise<string | Uint8Array>): RequestHandler {
    return async (req, res) => {
      const ready = makeReady(await find(req), [['Content-Type', type], ...caching]);
      sendReady(req, res, ready, security.shared());
    };
  }

  return {
    checkpoint: file(PLAIN, FOR_A_MOMENT, async () => {
      await log.refresh();
      const { checkpoint } = log.published;
      if (checkpoint === undefined) throw new Refusal('log-unpublished');
      return checkpoint;
    }),
    vkey: file(PLAIN, FOR_A_MOMENT, async () => `${log.vkey}\n`),
    tile: file(BYTES, FOR_EVER, async (req) => found(await readTile(deps, req.path.slice('/log/'.length)))),
    statement: file(PLAIN, FOR_EVER, async (req) => found(await log.statement(hashOf(req)))),
    jwks: file('application/json', FOR_EVER, async (req) => found(await log.jwks(hashOf(req)))),
  };
}

async function readTile({ log }: WebDependencies, path: string): Promise<Uint8Array | undefined> {
  try {
    return await log.tile(path);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function hashOf(req: Request): Uint8Array {
  const hex = String(req.params.hash);
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new Refusal('not-found');
  return Buffer.from(hex, 'hex');
}

function found(file: Uint8Array | undefined): Uint8Array {
  if (file === undefined) throw new Refusal('not-found');
  return file;
}
