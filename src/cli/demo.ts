import { parseArgs } from 'node:util';
import { environment } from '../config.ts';
import { startDemo } from '../demo/demo.ts';
import { untilStopped } from './signals.ts';

export const USAGE = 'Usage: paraphe demo';

/** `paraphe demo`: everything on this machine, until SIGTERM or SIGINT. */
export async function run(args: readonly string[]): Promise<number> {
  parseArgs({ args: [...args], options: {} });
  const demo = await startDemo(environment());
  const stopped = untilStopped(); // whoever reads that it runs may stop it at once
  console.log(welcome(demo.origin, demo.franceConnect.origin));
  await stopped;
  await demo.close();
  return 0;
}

/** Logins and what they show; nobody's name or birth date. */
function welcome(origin: string, franceConnect: string): string {
  return `
Paraphe, a demonstration: identities are simulated, no signature is real.

  Petitions                ${origin}
  Simulated FranceConnect  ${franceConnect}

  Press « S’identifier avec FranceConnect » on a petition, and log in with password 123 as

    test                  an adult: may sign all that is open
    naissance_Algérie     an adult born abroad
    moins_18_ans          may sign from 16, too young for 18
    moins_16_ans          too young for both
    E010015               refused by FranceConnect itself
    citoyen-1, -2, -3, …  as many adults as you like

  The signatures that are there already are synthetic, each on a login that the simulation signed.
  Everything stays in the data folder; Ctrl-C stops, npm start goes on.
`;
}
