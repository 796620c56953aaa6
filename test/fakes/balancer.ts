/** A load balancer without sticky sessions: each connection goes to the next gateway that is there. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Balancer = {
  /** The ports that it spreads connections over, from now on. */
  set(ports: readonly number[]): void;
  close(): Promise<void>;
};

export async function startBalancer(port: number): Promise<Balancer> {
  let ports: readonly number[] = [];
  let turn = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    open.add(client);
    client.on('error', () => {}).on('close', () => open.delete(client));
    forward(client, ports.length);
  });
  function forward(client: Socket, tries: number): void {
    const next = ports[turn++ % ports.length];
    if (next === undefined || tries === 0) return void client.destroy();
    const gateway = connect(next, '127.0.0.1');
    gateway.once('connect', () => client.pipe(gateway).pipe(client));
    gateway.once('error', () => (gateway.bytesRead > 0 ? client.destroy() : forward(client, tries - 1)));
    client.once('close', () => gateway.destroy());
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(port, '127.0.0.1', resolve);
  await promise;
  return {
    set: (to) => {
      ports = to;
    },
    async close() {
      for (const socket of open) socket.destroy();
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}
