/** A gateway whose log a neighbour's witness cosigns: what is published has been seen by both, or is not published. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { createDiagnostics } from '../../src/diagnostics.ts';
import { listen } from '../../src/listen.ts';
import { sha256 } from '../../src/node-crypto.ts';
import { openWitnessStore } from '../../src/storage/sqlite/witness-store.ts';
import { formatVerifierKey, parseVerifierKey } from '../../src/tlog/note.ts';
import { witnessServer } from '../../src/witness/server.ts';
import { Witness } from '../../src/witness/witness.ts';
import { command } from '../fakes/command.ts';
import { freePort } from '../fakes/free-port.ts';
import { receiptOf, sign, startWorld, tallyOf } from '../fakes/world.ts';

const NAME = 'neighbour.example/witness';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The neighbour's witness; the policy that asks for its cosignature; and how it goes away and comes back. */
async function neighbour(vkey: string) {
  const folder = mkdtempSync(`${tmpdir()}/witness-`);
  const store = openWitnessStore(folder, NAME);
  const witness = new Witness([parseVerifierKey(sha256, vkey)], { store, clock: () => new Date() });
  const port = await freePort();
  let server: Server = await listen(witnessServer(witness, createDiagnostics('silent')), '127.0.0.1', port, 'port');
  const leave = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  closers.push(
    () => rmSync(folder, { recursive: true }),
    () => store.close(),
    leave,
  );
  const line = `witness n ${formatVerifierKey(witness.key)} http://127.0.0.1:${port}`;
  return {
    policy: `log ${vkey}\n${line}\nquorum n\n`,
    leave,
    async comeBack() {
      server = await listen(witnessServer(witness, createDiagnostics('silent')), '127.0.0.1', port, 'port');
    },
  };
}

test('every checkpoint that is published is cosigned; while the witness is away, people sign and the log waits', async () => {
  let witness: Awaited<ReturnType<typeof neighbour>> | undefined;
  const world = await startWorld({
    async witnessPolicy(vkey) {
      witness = await neighbour(vkey);
      return witness.policy;
    },
  });
  closers.push(() => world.close());
  const checkpoint = async () => (await fetch(`${world.origin}/log/checkpoint`)).text();
  const lines = async () => (await checkpoint()).split('\n').filter((line) => line.startsWith('\u2014'));
  const key = await (await fetch(`${world.origin}/log/vkey`)).text();
  const [own, cosigned, ...rest] = await lines();
  expect(own).toContain(`\u2014 ${key.split('+')[0]} `); // the log's own line is the first
  expect(cosigned).toContain(`\u2014 ${NAME} `);
  expect(rest).toEqual([]);

  await witness?.leave();
  const before = await checkpoint();
  const louise = world.browser();
  await sign(louise, world, 'trains', 'test', '75');
  expect((await receiptOf(louise)).claims).toMatchObject({ department: '75' });
  await expect.poll(() => world.lines.some((line) => line.includes('too few witnesses cosigned'))).toBe(true);
  expect(await checkpoint()).toBe(before);
  expect(await tallyOf(world, 'trains')).toMatchObject({ total: 0 });

  await witness?.comeBack();
  await expect.poll(() => tallyOf(world, 'trains')).toMatchObject({ total: 1 });
  expect(await lines()).toHaveLength(2);
  const policy = `${world.dataDir}/policy`;
  const mirror = `${world.dataDir}/mirror`;
  expect(await command({}, 'audit', world.origin, '--mirror', mirror, '--policy', policy)).toMatchObject({ code: 0 });
});

test('a policy that comes later is asked for at once, though nothing was signed since', async () => {
  const world = await startWorld();
  closers.push(() => world.close());
  const lines = async () =>
    (await (await fetch(`${world.origin}/log/checkpoint`)).text())
      .split('\n')
      .filter((line) => line.startsWith('\u2014'));
  expect(await lines()).toHaveLength(1);
  const witness = await neighbour((await (await fetch(`${world.origin}/log/vkey`)).text()).trim());
  await world.restart(undefined, witness.policy);
  expect(await lines()).toHaveLength(2);
});
