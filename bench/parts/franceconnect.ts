/** The simulated FranceConnect in a process of its own: its CPU time is none of the gateway's. */
import { type FranceConnect, startFranceConnect } from '../../src/demo/franceconnect/server.ts';
import { answer } from '../part.ts';

let franceConnect: FranceConnect | undefined;

answer({
  async start({ origin, client }: { origin: string; client: { id: string; secret: string } }) {
    franceConnect = await startFranceConnect({
      port: 0,
      dataDir: undefined,
      clients: [
        {
          clientId: client.id,
          clientSecret: client.secret,
          entityId: client.id,
          name: 'Paraphe',
          redirectUris: [`${origin}/login/callback`],
          postLogoutRedirectUris: [`${origin}/logout/callback`],
        },
      ],
    });
    return { issuer: franceConnect.issuer };
  },
});
