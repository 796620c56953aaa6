/** The floor of a page: Express as it comes out of the box, sending the same bytes. */
import { createServer } from 'node:http';
import express from 'express';
import { answer } from '../part.ts';

answer({
  async start({ path, body, type }: { path: string; body: string; type: string }) {
    const page = Buffer.from(body, 'base64');
    const app = express();
    app.get(path, (_req, res) => {
      res.type(type).send(page);
    });
    const { promise, resolve } = Promise.withResolvers<number>();
    const server = createServer(app).listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
    return { port: await promise };
  },
});
