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
    const asked: Buffer[] = [];
    client.on('data', (bytes) => asked.push(bytes)).pause();
    forward(client, asked, ports.length);
  });
  /** @param asked what the client has said so far: a gateway that is closing takes a connection and drops it unread */
  function forward(client: Socket, asked: readonly Buffer[], tries: number): void {
    const next = ports[turn++ % ports.length];
    if (next === undefined || tries === 0 || client.destroyed) return void client.destroy();
    const gateway = connect(next, '127.0.0.1');
    gateway.once('connect', () => {
      for (const bytes of asked) gateway.write(bytes);
      client.pipe(gateway).pipe(client, { end: false });
    });
    gateway.on('error', () => {});
    gateway.once('close', () => (gateway.bytesRead > 0 ? client.end() : forward(client, asked, tries - 1)));
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
