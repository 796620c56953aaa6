/** What monitoring reads: true, of a whole life of journeys, and silent about people whatever is done to it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EntryKind } from '../../src/log/entry.ts';
import type { Act, LogStore } from '../../src/log/ports.ts';
import { LABELS, Metrics } from '../../src/metrics/metrics.ts';
import type { Browser } from '../fakes/browser.ts';
import { freePort } from '../fakes/free-port.ts';
import { findLeaks } from '../fakes/leaks.ts';
import { logIn, passFranceConnect, receiptOf, sign, startWorld, type World } from '../fakes/world.ts';

describe('a gateway with METRICS_PORT', () => {
  let world: World;
  let address: string;
  const browsers: Browser[] = [];
  beforeAll(async () => {
    const port = await freePort();
    address = `http://127.0.0.1:${port}/metrics`;
    world = await startWorld({ env: { METRICS_PORT: String(port) } });
    await wholeLife();
  });
  afterAll(() => world.close());

  const newBrowser = () => {
    const browser = world.browser();
    browsers.push(browser);
    return browser;
  };

  /** Two sign, one of them withdraws, one stays on the confirm page, one forgets the département, others are refused. */
  async function wholeLife(): Promise<void> {
    const adult = newBrowser();
    await sign(adult, world, 'trains', 'test', '75');
    await receiptOf(adult);
    await sign(newBrowser(), world, 'jardins', 'naissance_Algérie');
    await adult.submit({}, { form: '/withdraw' });
    await passFranceConnect(adult, 'test');
    await adult.submit({}, { form: '/confirm' });
    await logIn(newBrowser(), world, 'trains', 'moins_18_ans');
    const undecided = newBrowser();
    await logIn(undecided, world, 'trains', 'nom_composé');
    await undecided.submit({ department: '' }, { form: '/confirm' });
    world.franceConnect.switches.userinfo.status = 500;
    await logIn(newBrowser(), world, 'trains', 'caractères_spéciaux');
    world.franceConnect.switches.userinfo.status = undefined;
    await newBrowser().get(`${world.origin}/nowhere`);
  }

  const read = async () => (await fetch(address)).text();

  test('counts what was recorded and refused, and times what was asked of storage and of the identity provider', async () => {
    await expect.poll(async () => samplesOf(await read()).get('paraphe_log_published_entries')).toBe(6);
    const samples = samplesOf(await read());
    const value = (name: string) => samples.get(name);
    expect(value('paraphe_entries_recorded_total{kind="signed"}')).toBe(2);
    expect(value('paraphe_entries_recorded_total{kind="withdrawn"}')).toBe(1);
    expect(value('paraphe_entries_recorded_total{kind="invalidated"}')).toBe(0);
    expect(value('paraphe_refusals_total{code="too-young"}')).toBe(1);
    expect(value('paraphe_refusals_total{code="department-missing"}')).toBe(1);
    expect(value('paraphe_refusals_total{code="identity-provider-unavailable"}')).toBe(1);
    expect(value('paraphe_refusals_total{code="not-found"}')).toBe(1);
    expect(value('paraphe_identity_provider_failures_total{endpoint="userinfo",failure="status"}')).toBe(1);
    expect(value('paraphe_identity_provider_failures_total{endpoint="token",failure="status"}')).toBe(0);
    expect(value('paraphe_identity_provider_seconds_count{endpoint="token"}')).toBe(6);
    expect(value('paraphe_identity_provider_seconds_count{endpoint="jwks"}')).toBe(1);
    expect(value('paraphe_identity_provider_seconds_count{endpoint="discovery"}')).toBe(1);
    expect(value('paraphe_batch_acts_sum')).toBe(4); // the signers', and the identity provider's keys
    expect(value('paraphe_commit_seconds_count')).toBe(4);
    expect(value('paraphe_commit_failures_total')).toBe(0);
    expect(value('paraphe_queue_acts')).toBe(0);
    expect(value('paraphe_log_sealed_entries')).toBe(6);
    expect(value('paraphe_publications_total')).toBeGreaterThan(1);
    expect(value('paraphe_checkpoint_age_seconds')).toBeGreaterThanOrEqual(0);
    expect(value('paraphe_journeys')).toBeGreaterThan(0);
    expect(value('paraphe_leader')).toBe(1);
    expect(value('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
  });

  test('names nobody who came, in no form', async () => {
    const people = world.franceConnect.citizens.flatMap((citizen) => [
      ...Object.entries(citizen).flatMap(([name, value]) =>
        typeof value === 'string' && value.length > 5 ? [{ name: `${name} of ${citizen.login}`, value }] : [],
      ),
      {
        name: `sub of ${citizen.login}`,
        value: world.franceConnect.subOf(citizen.login, world.config.identity.clientId),
      },
    ]);
    const seen = browsers.flatMap(({ history }) => history.flatMap(({ url }) => url.match(/[\w.-]{43,}/g) ?? []));
    const bundle = await (await fetch(`${world.origin}/log/tile/entries/000.p/6`)).text();
    const nyms = [...bundle.matchAll(/"nym":"([\w-]{43})"/g)].map(([, nym = '']) => nym);
    expect(nyms).toHaveLength(3);
    const secrets = [...people, ...[...seen, ...nyms].map((value) => ({ name: 'a value of a journey', value }))];
    expect(secrets.length).toBeGreaterThan(100);
    expect(findLeaks([{ name: '/metrics', bytes: Buffer.from(await read()) }], secrets)).toEqual([]);
  });

  test('serves nothing else there, and does not serve it to the public', async () => {
    expect((await fetch(`${world.origin}/metrics`)).status).toBe(404);
    expect((await fetch(new URL('/', address))).status).toBe(404);
    expect((await fetch(`${address}?x`)).status).toBe(404);
    expect((await fetch(address, { method: 'POST' })).status).toBe(405);
    expect((await fetch(address)).headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  test('tells what docs/operate.md explains, and no more', async () => {
    const types = [...(await read()).matchAll(/^# TYPE (paraphe_\w+) /gm)].map(([, name]) => name);
    const operate = readFileSync(join(import.meta.dirname, '../../docs/operate.md'), 'utf8');
    const explained = [...operate.matchAll(/^\| `(paraphe_\w+)` +\|/gm)].map(([, name]) => name);
    expect(explained.sort()).toEqual(types.sort());
  });

  test('goes on telling the rest when one reading fails', async () => {
    const metrics = new Metrics();
    const published = { size: 1, at: new Date(1000) };
    const sealed = () => Promise.reject(new Error('the lock is away'));
    metrics.read({ member: { queued: 3, isLeading: false, published, sealed }, now: () => new Date(61_000) });
    metrics.readJourneys(() => Promise.reject(new Error('the database is away')));
    const samples = samplesOf(await metrics.render());
    expect(samples.get('paraphe_queue_acts')).toBe(3);
    expect(samples.get('paraphe_leader')).toBe(0);
    expect(samples.get('paraphe_checkpoint_age_seconds')).toBe(60);
    expect([samples.has('paraphe_journeys'), samples.has('paraphe_log_sealed_entries')]).toEqual([false, false]);
  });
});

test('without METRICS_PORT nothing is measured, and nothing listens', async () => {
  const world = await startWorld({ petitions: [] });
  expect(world.config.metrics).toBeUndefined();
  await world.close();
});

test('whatever a label is given, it says what stands in the code or `other`', async () => {
  const allowed = new Set<string>([...Object.values(LABELS).flat(), 'other']);
  const values = fc.oneof(fc.string(), fc.constantFrom('toString', '__proto__', 'test@example.org'));
  await fc.assert(
    fc.asyncProperty(fc.array(values, { minLength: 1, maxLength: 5 }), async (given) => {
      const metrics = new Metrics();
      for (const value of given) await giveEverywhere(metrics, value);
      const text = await metrics.render();
      const ours = text.split('\n').filter((line) => line.startsWith('paraphe_'));
      const found = ours.flatMap((line) => [...line.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]);
      expect(found.flatMap(([, name, value = '']) => (name === 'le' || allowed.has(value) ? [] : value))).toEqual([]);
      expect(found.some(([, , value]) => value === 'other')).toBe(given.some((value) => !allowed.has(value)));
    }),
    { numRuns: 20 },
  );
});

/** A value of no type that the compiler would let through, at each place where one becomes a label. */
async function giveEverywhere(metrics: Metrics, value: string): Promise<void> {
  metrics.refused(value);
  metrics.exchanged({ endpoint: value as 'token', seconds: 1, failure: value as 'timeout' });
  const failure = { witness: value, reason: value as 'late', detail: value };
  await metrics.watchCosign(async () => ({ note: value, quorum: true, failures: [failure] }))(value, 1);
  const entry = { kind: value as EntryKind, petition: value };
  const store = { append: async () => ({ outcomes: [], entries: [{ entry, before: undefined }] }) };
  await metrics.watchStore(store as unknown as LogStore<Act, unknown>).append({} as never, []);
}

/** The samples by name and labels. */
function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}
