import type { RequestHandler } from 'express';
import { Refusal } from '../../errors.ts';
import { makeCompressible, type Ready, sendReady } from '../answer.ts';
import type { Pages } from '../pages.ts';

/** Styles, images and the verifier's modules. Their names hold a hash of their content, so a browser may keep them for ever. */
export function assets(pages: Pages): RequestHandler {
  const forEver = ['Cache-Control', 'public, max-age=31536000, immutable'] as const;
  const ready = new Map<string, Ready>(
    [...pages.assets].map(([url, { body, type, etag }]) => [
      url,
      { ...makeCompressible(body, [['Content-Type', type], forEver]), etag },
    ]),
  );
  return (req, res) => {
    const asset = ready.get(req.path);
    if (asset === undefined) throw new Refusal('not-found');
    sendReady(req, res, asset, []);
  };
}
