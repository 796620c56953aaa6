/** Opening a port: on one address, or on both of `localhost`, whichever of the two a browser picks. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SetupError } from '../../errors.ts';

export type Listening = { port: number; close: () => Promise<void> };

export async function listen(listener: RequestListener, port: number, host: string): Promise<Listening> {
  if (host !== 'localhost') {
    const server = await open(listener, port, host);
    return { port: portOf(server), close: () => close(server) };
  }
  const ipv4 = await open(listener, port, '127.0.0.1');
  const ipv6 = await open(listener, portOf(ipv4), '::1').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') return undefined;
    await close(ipv4);
    throw error;
  });
  return {
    port: portOf(ipv4),
    close: async () => {
      await close(ipv4);
      if (ipv6 !== undefined) await close(ipv6);
    },
  };
}

async function open(listener: RequestListener, port: number, host: string): Promise<Server> {
  const server = createServer(listener);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    throw new SetupError(`port ${port} is in use: set FRANCECONNECT_PORT to a free one`, { cause: error });
  }
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Ends open connections too: an answer that a switch holds back would keep the server alive. */
async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
