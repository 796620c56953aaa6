import type { RequestHandler } from 'express';
import { Refusal } from '../../errors.ts';
import { noStore } from '../security.ts';

/** `/healthz`: the process has started and answers. */
export function healthz(): RequestHandler {
  return (_req, res) => {
    noStore(res);
    res.type('text/plain').send('ok\n');
  };
}

/** `/readyz`: it can do its work: storage answers and it is not stopping. */
export function readyz(ready: () => Promise<void>): RequestHandler {
  return async (_req, res) => {
    noStore(res);
    try {
      await ready();
      res.type('text/plain').send('ready\n');
    } catch (error) {
      res
        .status(503)
        .type('text/plain')
        .send(`not ready: ${error instanceof Refusal ? error.code : 'internal-error'}\n`);
    }
  };
}
