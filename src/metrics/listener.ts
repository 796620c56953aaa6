/** `GET /metrics` on a port of its own, for the operator's monitoring alone: nothing public leads there. */
import type { Server } from 'node:http';
import { listen } from '../listen.ts';
import type { Metrics } from './metrics.ts';

/** @throws SetupError when it cannot listen there */
export function listenForMetrics(
  metrics: Pick<Metrics, 'contentType' | 'render'>,
  { host, port }: { host: string; port: number },
): Promise<Server> {
  return listen(
    async (req, res) => {
      if (req.url !== '/metrics') return void res.writeHead(404).end();
      if (req.method !== 'GET' && req.method !== 'HEAD') return void res.writeHead(405, { Allow: 'GET, HEAD' }).end();
      const text = await metrics.render();
      res.writeHead(200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' }).end(text);
    },
    host,
    port,
    'METRICS_PORT',
  );
}
