import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { SetupError } from './errors.ts';

/** For an answer under way when the process is asked to stop: longer than a commit, shorter than a service manager's. */
const PATIENCE_MS = 5_000;

/**
 * Listens, with limits that hold slow and idle clients off: Node's own wait a minute for headers and five for a request.
 * @param variable the variable that moves the port, for the one line that says that it is taken
 * @param options of `node:http`, beside these
 */
export function listen(
  app: RequestListener,
  host: string,
  port: number,
  variable: string,
  options: ServerOptions = {},
): Promise<Server> {
  const limits = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 10_000 };
  const server = createServer({ ...limits, connectionsCheckingInterval: 1000, ...options }, app);
  server.maxConnections = 10_000;
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port, variable)));
  server.listen(port, host, () => resolve(server));
  return promise;
}

function explain(error: NodeJS.ErrnoException, host: string, port: number, variable: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new SetupError(`Port ${port} is in use: stop what listens there, or choose another with ${variable}.`);
    case 'EACCES':
      return new SetupError(`Port ${port} may not be listened on: choose one above 1023 with ${variable}.`);
    case 'EADDRNOTAVAIL':
      return new SetupError(`${variable.replace('PORT', 'HOST')} ${host} is no address of this machine.`);
    default:
      return error;
  }
}

/** Takes no new connection and waits for the answers that are under way; a connection that stays silent is cut. */
export async function finishRequests(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  const idle = setInterval(() => server.closeIdleConnections(), 50); // a kept-alive one is idle once it is answered
  const cut = setTimeout(() => server.closeAllConnections(), PATIENCE_MS);
  await promise;
  clearInterval(idle);
  clearTimeout(cut);
}
