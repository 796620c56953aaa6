import type { RequestHandler } from 'express';
import { Refusal } from '../../errors.ts';
import type { Pages } from '../pages.ts';

/** Styles, images and the verifier's modules. Their names hold a hash of their content, so a browser may keep them for ever. */
export function assets(pages: Pages): RequestHandler {
  return (req, res) => {
    const asset = pages.assets.get(req.path);
    if (asset === undefined) throw new Refusal('not-found');
    res.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
    res.setHeader('ETag', asset.etag);
    if (req.headers['if-none-match'] === asset.etag) return void res.status(304).end();
    res.setHeader('Content-Type', asset.type);
    res.end(asset.body);
  };
}
