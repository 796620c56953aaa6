/** What the page `/verify` finds out, step by step, of good files and of each kind of bad ones, without a browser. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Day } from '../../src/clock.ts';
import type { Entry, Signed } from '../../src/log/entry.ts';
import { nymFromBytes } from '../../src/person/nym.ts';
import { computeReceipt } from '../../src/receipt/compute.ts';
import type { ReceiptFiles } from '../../src/receipt/files.ts';
import { generateReceiptKeys, loadReceiptKeys, type ReceiptKeys } from '../../src/receipt/keys.ts';
import { ReceiptError } from '../../src/receipt/receipt-error.ts';
import { webCrypto } from '../../src/receipt/web-crypto.ts';
import { type Tile, tilePath } from '../../src/tlog/tile.ts';
import { type CheckDependencies, checkReceipt } from '../../src/verifier/check.ts';
import type { Store } from '../../src/verifier/memory.ts';
import { openHead, PresentLog } from '../../src/verifier/present-log.ts';
import { type Signature, type Site, Unreachable } from '../../src/verifier/site.ts';
import { STEPS, type Step, type StepName, step, verdictOf } from '../../src/verifier/steps.ts';
import { withAnotherSignature } from '../fakes/forged.ts';
import { FakeLog } from '../fakes/log-site.ts';
import { bytesOf } from '../tlog/crypto.ts';

const ORIGIN = 'https://petitions.example.org';
const petition = '01m7k8m0n1ew6076n6rar3zv8a';
const day = '2026-11-21' as Day;
const CAMILLE = 270;

function signed(person: number): Signed {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, person);
  return { kind: 'signed', petition, nym: nymFromBytes(bytes), department: null, evidence: null, day };
}
const nym = signed(CAMILLE).nym;
const withdrawn: Entry = { kind: 'withdrawn', petition, nym, evidence: null, day };

const log = new FakeLog('petitions.example.org/log');
log.append(...Array.from({ length: 600 }, (_, person) => signed(person)));
const edited = (edit: (entries: Uint8Array[]) => void) => {
  const entries = [...log.entries];
  edit(entries);
  return log.withEntries(entries);
};

let keys: ReceiptKeys;
let proof: Uint8Array;
beforeAll(async () => {
  keys = await loadReceiptKeys(generateReceiptKeys());
  proof = bytesOf(await log.proof(CAMILLE, 300));
});

const receipt = (change: object = {}) =>
  computeReceipt(keys, {
    issuer: ORIGIN,
    petition,
    statementHash: new Uint8Array(32),
    nym,
    day,
    department: undefined,
    log: { origin: log.origin, index: CAMILLE },
    ...change,
  });

/** A site that serves a log as it is at that size, and says what it is told to. */
async function siteOf(
  served: FakeLog,
  size = served.entries.length,
  says: Signature = { state: 'active', index: CAMILLE },
) {
  const files = await served.files(size);
  const read = async (path: string) => {
    const bytes = files.get(path);
    if (bytes === undefined) throw new Unreachable(path);
    return bytes;
  };
  const asked: string[] = [];
  const site: Site = {
    origin: ORIGIN,
    jwks: async () => JSON.parse(JSON.stringify(keys.jwks)),
    vkey: async () => served.vkey,
    checkpoint: () => read('checkpoint'),
    tile: (tile: Tile) => read(tilePath(tile)),
    petition: async (id) => (id === petition ? { slug: 'jardins', title: 'Des jardins partagés' } : undefined),
    signature: async (...who) => {
      asked.push(...who);
      return says;
    },
  };
  return { ...site, asked };
}

class MemoryStore implements Store {
  readonly kept = new Map<string, string>();
  getItem = (key: string) => this.kept.get(key) ?? null;
  setItem = (key: string, value: string) => void this.kept.set(key, value);
  removeItem = (key: string) => void this.kept.delete(key);
}
let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
});

async function check(files: ReceiptFiles, site: Site, options: Partial<CheckDependencies> = {}) {
  const deps = { site, store, now: new Date('2026-12-01T10:00:00Z'), asksState: true, ...options };
  const steps: Step[] = [];
  const checks = checkReceipt(files, deps);
  for (let next = await checks.next(); ; next = await checks.next()) {
    if (next.done) return { steps, subject: next.value, verdict: verdictOf(steps), words: wordsOf(steps) };
    steps.push(next.value);
  }
}
const wordsOf = (steps: readonly Step[]) =>
  Object.fromEntries(steps.map(({ name, word }) => [name, word])) as Record<StepName, string>;

const GOOD = {
  receipt: 'holds',
  proof: 'holds',
  match: 'holds',
  log: 'holds',
  growth: 'holds',
  standing: 'holds',
  state: 'active',
  memory: 'first',
};

describe('good files', () => {
  test('both: everything holds, in the order of the page', async () => {
    const { steps, words, verdict, subject } = await check({ jwt: receipt(), proof }, await siteOf(log));
    expect(steps.map(({ name }) => name)).toEqual(Object.keys(STEPS));
    expect(words).toEqual(GOOD);
    expect(verdict).toBe('holds');
    // That nothing withdrew it since is the site's word, and is called that.
    expect(steps.find(({ name }) => name === 'state')?.outcome).toBe('told');
    expect(subject).toEqual({
      petition,
      title: 'Des jardins partagés',
      nym,
      day,
      department: undefined,
      index: CAMILLE,
    });
    expect(steps.find(({ name }) => name === 'growth')?.facts).toEqual({ old: 300, size: 600 });
  });

  test('the receipt alone: the log itself shows the entry', async () => {
    const { words, verdict } = await check({ jwt: receipt() }, await siteOf(log));
    expect(words).toEqual({ ...GOOD, proof: 'absent', match: 'absent', growth: 'absent' });
    expect(verdict).toBe('holds');
  });

  test('the proof alone', async () => {
    const { words, verdict } = await check({ proof }, await siteOf(log));
    expect(words).toEqual({ ...GOOD, receipt: 'absent', match: 'absent' });
    expect(verdict).toBe('holds');
  });

  test('the pseudonym is told to nobody who was not to ask for it', async () => {
    const site = await siteOf(log);
    const { words, verdict } = await check({ jwt: receipt(), proof }, site, { asksState: false });
    expect([words.state, verdict, site.asked]).toEqual(['unasked', 'holds', []]);
    await check({ jwt: receipt(), proof }, site);
    expect(site.asked).toEqual(['jardins', nym]);
  });
});

describe('files that do not hold', () => {
  const cases: [string, () => ReceiptFiles | Promise<ReceiptFiles>, Partial<Record<StepName, string>>][] = [
    [
      'a receipt with one letter changed',
      () => ({ jwt: withAnotherSignature(receipt()) }),
      { receipt: 'forged', standing: 'void' },
    ],
    [
      'a receipt of a stranger’s key',
      async () => ({ jwt: await strangersReceipt(ORIGIN) }),
      { receipt: 'forged', state: 'void' },
    ],
    [
      'a receipt of another site',
      async () => ({ jwt: await strangersReceipt('https://a.example') }),
      { receipt: 'foreign' },
    ],
    ['what is no receipt', () => ({ jwt: 'a.b.c' }), { receipt: 'malformed' }],
    [
      'a receipt whose entry is someone else’s',
      () => ({ jwt: receipt({ log: { origin: log.origin, index: 3 } }) }),
      { receipt: 'holds', standing: 'changed' },
    ],
    [
      'a proof of another log',
      async () => ({ proof: bytesOf(await new FakeLog('a.example/log').withEntries(log.entries).proof(3)) }),
      { proof: 'foreign', growth: 'void' },
    ],
    [
      'a proof under this log’s name by another key',
      async () => ({ proof: bytesOf(await new FakeLog(log.origin, 2).withEntries(log.entries).proof(3)) }),
      { proof: 'forged' },
    ],
    [
      'a proof with another entry in it',
      async () => ({ proof: bytesOf(text(proof).replace(/^extra .*$/m, (await log.proof(3)).split('\n')[1]!)) }),
      { proof: 'broken', standing: 'void' },
    ],
    [
      'a proof of no signature',
      async () => ({
        proof: bytesOf(await log.withEntries([...log.entries, bytesOf(JSON.stringify(withdrawn))]).proof(600)),
      }),
      { proof: 'other' },
    ],
    ['what is no proof', () => ({ proof: bytesOf('c2sp.org/tlog-proof@v1\n') }), { proof: 'malformed' }],
    [
      'two files of two people',
      async () => ({ jwt: receipt(), proof: bytesOf(await log.proof(3)) }),
      { receipt: 'holds', proof: 'holds', match: 'nym' },
    ],
  ];
  test.each(cases)('%s', async (_about, files, expected) => {
    const { words, verdict } = await check(await files(), await siteOf(log));
    expect(words).toMatchObject(expected);
    expect(verdict).toBe('fails');
  });

  async function strangersReceipt(issuer: string): Promise<string> {
    const own = keys;
    keys = await loadReceiptKeys(generateReceiptKeys());
    const jwt = receipt({ issuer });
    keys = own;
    return jwt;
  }
});

describe('a log that broke its word', () => {
  const other = bytesOf(JSON.stringify(signed(9999)));

  test.each([
    [
      'an entry was replaced',
      () => edited((entries) => entries.splice(CAMILLE, 1, other)),
      { growth: 'changed', standing: 'changed' },
    ],
    [
      'another one was replaced, under the proof',
      () => edited((entries) => entries.splice(7, 1, other)),
      { growth: 'changed', standing: 'holds' },
    ],
    [
      'an entry was taken out',
      () => edited((entries) => entries.splice(CAMILLE, 1)),
      { growth: 'changed', standing: 'changed' },
    ],
    [
      'it ends before the entry',
      () => edited((entries) => entries.splice(200)),
      { growth: 'smaller', standing: 'vanished' },
    ],
    [
      'it ends after the entry, before the proof',
      () => edited((entries) => entries.splice(290)),
      { growth: 'smaller', standing: 'holds' },
    ],
  ] as const)('%s', async (_about, lie, expected) => {
    const { words, verdict } = await check({ jwt: receipt(), proof }, await siteOf(lie()));
    expect(words).toMatchObject(expected);
    expect(verdict).toBe('fails');
    // Such a log is not what the next visit is held against.
    expect([words.memory, store.kept.size]).toEqual(['void', 0]);
  });

  test('what is a day old at most may not be published yet; later it is gone', async () => {
    const site = await siteOf(log, 200, { state: 'unknown', index: null });
    const at = async (now: string) => {
      const { words, verdict } = await check({ jwt: receipt(), proof }, site, { now: new Date(now) });
      return [words.growth, words.standing, words.state, verdict];
    };
    expect(await at('2026-11-21T10:00:00Z')).toEqual(['pending', 'pending', 'pending', 'partial']);
    expect(await at('2026-11-22T22:59:59Z')).toEqual(['pending', 'pending', 'pending', 'partial']);
    expect(site.asked).toEqual([]);
    expect(await at('2026-11-22T23:00:00Z')).toEqual(['smaller', 'vanished', 'unknown', 'fails']);
  });

  test('the receipt alone finds the entry gone, or replaced', async () => {
    const gone = await check({ jwt: receipt() }, await siteOf(edited((entries) => entries.splice(200))));
    expect([gone.words.standing, gone.verdict]).toEqual(['vanished', 'fails']);
    const changed = await check(
      { jwt: receipt() },
      await siteOf(edited((entries) => entries.splice(CAMILLE, 1, other))),
    );
    expect([changed.words.standing, changed.verdict]).toEqual(['changed', 'fails']);
  });

  test('its tiles or bundles are not those of its checkpoint', async () => {
    const site = await siteOf(log);
    const lying = await siteOf(edited((entries) => entries.splice(CAMILLE, 1, other)));
    const mixed = { ...lying, checkpoint: site.checkpoint };
    expect((await check({ jwt: receipt(), proof }, mixed)).words).toMatchObject({
      growth: 'broken',
      standing: 'broken',
    });
    const bundles: Site = { ...site, tile: (tile) => (tile.level === 'entries' ? lying : site).tile(tile) };
    expect((await check({ jwt: receipt(), proof }, bundles)).words).toMatchObject({
      growth: 'holds',
      standing: 'broken',
    });
  });

  test('whatever the size that it had: changed is what stood before it, and nothing else', async () => {
    const head = (served: FakeLog, size?: number) =>
      served.checkpoint(size).then((note) => openHead(bytesOf(note), served.vkey, webCrypto));
    const lie = edited((entries) => entries.splice(300, 1, other));
    const present = new PresentLog(await head(lie), await siteOf(lie), webCrypto);
    for (const size of [0, 1, 2, 128, 255, 256, 257, 299, 300, 301, 511, 512, 513, 600]) {
      expect([size, await present.continues(await head(log, size))]).toEqual([size, size > 300 ? 'changed' : 'holds']);
    }
  });

  test('its checkpoint is not signed, another log’s, or none', async () => {
    const site = await siteOf(log);
    const head = (served: FakeLog) => ({ ...site, checkpoint: async () => bytesOf(await served.checkpoint()) });
    const wordFor = async (lying: Site) => (await check({ jwt: receipt() }, lying)).words.log;
    expect(await wordFor(head(new FakeLog(log.origin, 2).withEntries(log.entries)))).toBe('forged');
    expect(await wordFor(head(new FakeLog('a.example/log')))).toBe('foreign');
    expect(await wordFor({ ...site, checkpoint: async () => bytesOf('404') })).toBe('malformed');
  });
});

describe('whether it still counts', () => {
  const later = log.withEntries([
    ...log.entries,
    bytesOf(JSON.stringify(withdrawn)),
    bytesOf(JSON.stringify(signed(CAMILLE))),
  ]);

  test.each([
    ['withdrawn', { state: 'withdrawn', index: 600 }, 'withdrawn', 'gone'],
    ['withdrawn, then signed again', { state: 'active', index: 601 }, 'again', 'holds'],
    ['unknown, though its own files know it', { state: 'unknown', index: null }, 'unknown', 'fails'],
    ['withdrawn by an entry that signs', { state: 'withdrawn', index: 601 }, 'contradicted', 'fails'],
    ['active by somebody else’s entry', { state: 'active', index: 599 }, 'contradicted', 'fails'],
    ['active by an entry before its own', { state: 'active', index: 3 }, 'contradicted', 'fails'],
    ['a state that there is not', { state: 'well', index: CAMILLE }, 'contradicted', 'fails'],
    ['by an entry of a moment later', { state: 'withdrawn', index: 700 }, 'unreachable', 'partial'],
    ['by no entry', { state: 'active', index: null }, 'unreachable', 'partial'],
  ])('the site says %s', async (_about, says, word, verdict) => {
    const found = await check({ jwt: receipt(), proof }, await siteOf(later, undefined, says));
    expect([found.words.state, found.verdict]).toEqual([word, verdict]);
  });
});

describe('the memory of the last visit', () => {
  const files = () => ({ jwt: receipt(), proof });

  test('proves next time that nothing vanished, and remembers on', async () => {
    await check(files(), await siteOf(log, 400));
    const second = await check(files(), await siteOf(log));
    expect(second.words.memory).toBe('holds');
    expect(second.steps.at(-1)?.facts).toMatchObject({ old: 400, size: 600 });
    expect([...store.kept.values()].join()).toContain(String(600));
    expect((await check(files(), await siteOf(log))).steps.at(-1)?.facts).toMatchObject({ old: 600 });
  });

  test('catches a log that shrank or changed, though the files’ own part of it stands; and keeps what it knows', async () => {
    await check(files(), await siteOf(log));
    const kept = [...store.kept];
    const smaller = await check(files(), await siteOf(log, 400));
    expect([smaller.words.memory, smaller.words.growth, smaller.verdict]).toEqual(['smaller', 'holds', 'fails']);
    const changed = await check(
      files(),
      await siteOf(edited((entries) => entries.splice(500, 1, bytesOf(JSON.stringify(signed(9999)))))),
    );
    expect([changed.words.memory, changed.words.growth, changed.verdict]).toEqual(['changed', 'holds', 'fails']);
    expect([...store.kept]).toEqual(kept);
  });

  test('is not given up for a log that the files refute', async () => {
    await check(files(), await siteOf(log, 300));
    const kept = [...store.kept];
    const later = { proof: bytesOf(await log.proof(CAMILLE, 500)) };
    const shrunk = await check(later, await siteOf(log, 400));
    expect([shrunk.words.memory, shrunk.words.growth]).toEqual(['holds', 'smaller']);
    expect([...store.kept]).toEqual(kept);
  });

  test('notices another key, says so where nothing can be remembered, and takes nonsense for nothing', async () => {
    await check(files(), await siteOf(log));
    const other = new FakeLog(log.origin, 2).withEntries(log.entries);
    expect((await check({ jwt: receipt() }, await siteOf(other))).words.memory).toBe('rekeyed');
    const nowhere = await check(files(), await siteOf(log), { store: undefined });
    expect([nowhere.words.memory, nowhere.verdict]).toEqual(['forgetful', 'holds']);
    for (const nonsense of [
      '',
      '{',
      '[]',
      '{"vkey":1}',
      JSON.stringify({ vkey: log.vkey, checkpoint: 'x', at: 'y' }),
    ]) {
      for (const key of store.kept.keys()) store.setItem(key, nonsense);
      expect((await check(files(), await siteOf(log))).words.memory).toBe('first');
    }
  });
});

describe('what cannot be checked is not called wrong', () => {
  const down = () => Promise.reject(new Unreachable('down'));
  const outages: [string, Partial<Site>, Partial<Record<StepName, string>>][] = [
    ['the receipt’s keys', { jwks: down }, { receipt: 'unreachable' }],
    ['the log’s key', { vkey: down }, { proof: 'unreachable', log: 'unreachable', memory: 'void' }],
    ['a key that is none', { vkey: async () => 'nonsense' }, { proof: 'unreachable', log: 'unreachable' }],
    ['the checkpoint', { checkpoint: down }, { log: 'unreachable', standing: 'void' }],
    ['the tiles', { tile: down }, { growth: 'unreachable', standing: 'unreachable' }],
    ['the list of petitions', { petition: down }, { state: 'unreachable' }],
    ['the state', { signature: down }, { state: 'unreachable' }],
  ];
  test.each(outages)('%s: no answer', async (_about, outage, expected) => {
    const { words, verdict } = await check({ jwt: receipt(), proof }, { ...(await siteOf(log)), ...outage });
    expect(words).toMatchObject(expected);
    expect(verdict).toBe('partial');
  });

  test('a browser without Ed25519 is told so', async () => {
    const crypto = {
      ...webCrypto,
      verifyEd25519: () => {
        throw new ReceiptError('ed25519-unavailable');
      },
    };
    const { words, verdict } = await check({ jwt: receipt(), proof }, await siteOf(log), { crypto });
    expect(words).toMatchObject({ receipt: 'holds', proof: 'unsupported', log: 'unsupported', standing: 'void' });
    expect(verdict).toBe('partial');
  });
});

test('a word that nobody thought of is bad news', () => {
  expect(step('receipt', 'surprising' as never).outcome).toBe('fails');
});

test('each defence is one: a check that believed the log’s files would call a forged entry good', async () => {
  // The bundle alone is right; the tree that the log signed holds something else at that place.
  const lying = await siteOf(edited((entries) => entries.splice(CAMILLE, 1, bytesOf(JSON.stringify(signed(9999))))));
  const honest = await siteOf(log);
  const site: Site = { ...lying, tile: (tile) => (tile.level === 'entries' ? honest : lying).tile(tile) };
  expect(text(await site.tile({ level: 'entries', index: 1, width: 256 }))).toContain(nym);
  expect((await check({ jwt: receipt() }, site)).words.standing).toBe('broken');
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
