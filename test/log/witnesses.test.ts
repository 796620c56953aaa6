/** A log and its witnesses: those that do their work, and every way in which one may not. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { postText } from '../../src/log/post.ts';
import { type Post, Witnesses, type WitnessesDeps } from '../../src/log/witnesses.ts';
import { parseSignedCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosignatureTime, cosigner } from '../../src/tlog/cosignature.ts';
import { ED25519_COSIGNATURE, formatSignature, parseNote, signNote } from '../../src/tlog/note.ts';
import { parsePolicy, verifyByPolicy } from '../../src/tlog/policy.ts';
import { parseSubmission, SIZE_TYPE } from '../../src/tlog/witness.ts';
import { witnessServer } from '../../src/witness/server.ts';
import { GrowingLog, ORIGIN } from '../fakes/growing-log.ts';
import { WitnessInMemory } from '../fakes/witness-in-memory.ts';
import { bytesOf, flipped, sha256, testKey, verifyEd25519 } from '../tlog/crypto.ts';

const log = new GrowingLog();
const fork = new GrowingLog({ forkedAt: 2 });
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** Serves on a port of its own. */
async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Named = { readonly name: string; readonly vkey: string; readonly url?: string };

function policyOf(witnesses: readonly Named[], quorum: string, logs: readonly GrowingLog[] = [log]) {
  const lines = [
    ...logs.map(({ vkey }) => `log ${vkey}`),
    ...witnesses.map(({ name, vkey, url }) => `witness ${name} ${vkey} ${url ?? `https://${name}`}`.trimEnd()),
    ...(quorum === 'none' ? [] : [`group all-of-them ${quorum} ${witnesses.map(({ name }) => name).join(' ')}`]),
    `quorum ${quorum === 'none' ? 'none' : 'all-of-them'}`,
  ];
  return parsePolicy(sha256, bytesOf(lines.join('\n')));
}

/** Brings each request to the witness whose name is in its address. */
function switchboard(lines: Readonly<Record<string, (body: string, signal: AbortSignal) => ReturnType<Post>>>): Post {
  return (url, body, signal) => {
    const name = /^https:\/\/(.*)\/add-checkpoint$/.exec(url)?.[1] ?? '';
    const line = lines[name];
    return line === undefined ? Promise.reject(new Error('nobody there')) : line(body, signal);
  };
}

const witnessesOf = (policy: ReturnType<typeof policyOf>, post: Post, more: Partial<WitnessesDeps> = {}) =>
  new Witnesses(policy, log.keys.key, { verify: verifyEd25519, post, timeoutMs: 600_000, ...more });
const cosign = async (witnesses: Witnesses, size: number, by = log) =>
  witnesses.cosign(await by.checkpoint(size), async (old) => by.proof(old, size));
const namesIn = (note: string) => parseNote(bytesOf(note)).signatures.map(({ name }) => name);

describe('two witnesses over HTTP', () => {
  test('cosign as the log grows, learn and are learnt from across restarts of either', async () => {
    const [one, two] = ['w1.example', 'w2.example'].map((name) => new WitnessInMemory(name, [log.keys.key]));
    const requests: string[] = [];
    const named = await Promise.all(
      [one!, two!].map(async (each) => {
        const url = await serve((request, response) => {
          requests.push(each.name);
          witnessServer(each.witness, silent)(request, response);
        });
        return { name: each.name, vkey: each.vkey, url: each === one ? url : `${url}/` };
      }),
    );
    const policy = policyOf(named, 'all');
    let witnesses = witnessesOf(policy, postText);
    for (const [size, asked] of [
      [0, 2],
      [1, 2],
      [1, 2],
      [7, 2],
      [64, 2],
    ] as const) {
      requests.length = 0;
      const { note, quorum, failures } = await cosign(witnesses, size);
      expect({ quorum, failures }).toEqual({ quorum: true, failures: [] });
      expect(note.startsWith(await log.checkpoint(size))).toBe(true);
      expect(namesIn(note)).toEqual([ORIGIN, 'w1.example', 'w2.example']);
      expect((await verifyByPolicy(bytesOf(note), policy, verifyEd25519)).witnesses).toHaveLength(2);
      expect(requests).toHaveLength(asked);
    }
    witnesses = witnessesOf(policy, postText);
    requests.length = 0;
    expect(await cosign(witnesses, 64)).toMatchObject({ quorum: true, failures: [] });
    expect(requests).toHaveLength(4); // each said its size first
  });
});

describe('two organisations that watch each other', () => {
  test('each cosigns what the other publishes, and neither a past that changed', async () => {
    const [ours, theirs] = [log, new GrowingLog({ origin: 'council.example/log', seed: 5 })];
    const ourWitness = new WitnessInMemory('petitions.example.org/witness', [theirs.keys.key]);
    const theirWitness = new WitnessInMemory('council.example/witness', [ours.keys.key]);
    const post = switchboard({
      [ourWitness.name]: (body) => ourWitness.answer(body),
      [theirWitness.name]: (body) => theirWitness.answer(body),
    });
    const deps = { verify: verifyEd25519, post };
    const weAsk = new Witnesses(policyOf([theirWitness], 'all', [ours]), ours.keys.key, deps);
    const theyAsk = new Witnesses(policyOf([ourWitness], 'all', [theirs]), theirs.keys.key, deps);
    for (const size of [1, 5, 8]) {
      expect(await cosign(weAsk, size)).toMatchObject({ quorum: true, failures: [] });
      expect(await cosign(theyAsk, size, theirs)).toMatchObject({ quorum: true, failures: [] });
    }
    const rewritten = new GrowingLog({ origin: 'council.example/log', seed: 5, forkedAt: 3 });
    expect(await cosign(theyAsk, 20, rewritten)).toMatchObject({
      quorum: false,
      failures: [{ witness: ourWitness.name, reason: 'inconsistent' }],
    });
    expect(namesIn((await cosign(theyAsk, 20, rewritten)).note)).toEqual(['council.example/log']);
    expect(await cosign(theyAsk, 20, theirs)).toMatchObject({ quorum: true });
  });
});

/** One witness that misbehaves beside one that does not; `any` of them is enough. */
async function beside(
  line: (body: string, honest: WitnessInMemory, signal: AbortSignal) => ReturnType<Post>,
  size = 5,
) {
  const good = new WitnessInMemory('good.example', [log.keys.key]);
  const odd = new WitnessInMemory('odd.example', [log.keys.key]);
  const post = switchboard({
    [good.name]: (body) => good.answer(body),
    [odd.name]: (body, signal) => line(body, odd, signal),
  });
  const witnesses = witnessesOf(policyOf([odd, good], 'any'), post);
  return { result: await cosign(witnesses, size), witnesses, odd, good };
}

const answer = (status: number, body: string | Uint8Array, contentType?: string) => ({
  status,
  contentType,
  body: typeof body === 'string' ? bytesOf(body) : body,
});

/** A 200 with this witness's cosignature of another text, at another time, or by another key. */
async function lie(body: string, odd: WitnessInMemory, { text, time = odd.now, seed = odd.seed }: Lie = {}) {
  const honest = parseSubmission(bytesOf(body)).signed.note.text;
  const { sign } = testKey(odd.name, seed, ED25519_COSIGNATURE);
  const { signatures } = await signNote(text ?? honest, [cosigner(odd.witness.key, sign, time)]);
  return answer(200, signatures.map(formatSignature).join(''));
}
type Lie = { text?: string; time?: number; seed?: Uint8Array };

describe('a witness that misbehaves is left out, by name, and delays nobody', () => {
  test.each<[string, string, Parameters<typeof beside>[0]]>([
    ['signs another text', 'cosignature', (body, odd) => lie(body, odd, { text: fork.text(5) })],
    ['signs a larger tree of ours', 'cosignature', (body, odd) => lie(body, odd, { text: log.text(6) })],
    [
      'signs with another key under its name',
      'cosignature',
      (body, odd) => lie(body, odd, { seed: new Uint8Array(32) }),
    ],
    [
      'flips a bit of its time',
      'cosignature',
      async (body, odd) => {
        const line = parseNote(bytesOf(`x\n\n${new TextDecoder().decode((await odd.answer(body)).body)}`))
          .signatures[0]!;
        return answer(200, formatSignature({ ...line, bytes: flipped(line.bytes, 63) }));
      },
    ],
    [
      'sends a line that fails beside a good one',
      'cosignature',
      async (body, odd) => {
        const good = await lie(body, odd);
        const bad = await lie(body, odd, { text: log.text(6) });
        return answer(200, Buffer.concat([good.body, bad.body]));
      },
    ],
    ['sends another’s line only', 'cosignature', async () => answer(200, '\u2014 x.example AAAAAAA=\n')],
    ['answers 200 and nothing', 'answer', async () => answer(200, '')],
    ['answers a page', 'answer', async () => answer(200, '<!doctype html>\n', 'text/html')],
    ['answers bytes that are no text', 'answer', async () => answer(200, Uint8Array.of(0xff, 0x0a))],
    ['answers 204', 'answer', async () => answer(204, '')],
    ['redirects', 'answer', async () => answer(302, '')],
    ['fails', 'answer', async () => answer(500, 'no')],
    ['says that our request is of no form', 'answer', async () => answer(400, 'no')],
    ['does not know our log', 'not-configured', async () => answer(404, 'no')],
    ['does not know our key', 'not-configured', async () => answer(403, 'no')],
    ['says that our proof is none', 'inconsistent', async () => answer(422, 'no')],
    ['is not there', 'unreachable', async () => Promise.reject(new Error('ECONNREFUSED'))],
    ['has seen more of our log than we', 'ahead', async () => answer(409, '6\n', SIZE_TYPE)],
    ['names the size that we sent', 'answer', async () => answer(409, '0\n', SIZE_TYPE)],
    ['names a size in no form', 'answer', async () => answer(409, '03\n', SIZE_TYPE)],
    ['names a size that no log has', 'answer', async () => answer(409, '9007199254740993\n', SIZE_TYPE)],
    ['names a size as a page', 'answer', async () => answer(409, '3\n', 'text/html')],
    ['names a size as nothing', 'answer', async () => answer(409, '3\n')],
    [
      'names another size each time',
      'answer',
      async (body) => answer(409, `${parseSubmission(bytesOf(body)).oldSize + 1}\n`, SIZE_TYPE),
    ],
    [
      'stalls',
      'late',
      (_, __, signal) => new Promise((_, no) => signal.addEventListener('abort', () => no(signal.reason))),
    ],
    ['stalls, and hangs on', 'late', () => new Promise(() => undefined)],
  ])('%s: %s', async (_, reason, line) => {
    const { result, odd } = await beside(line);
    expect(result.quorum).toBe(true);
    expect(result.failures).toEqual([{ witness: odd.name, reason, detail: expect.stringMatching(/./) }]);
    expect(namesIn(result.note)).toEqual([ORIGIN, 'good.example']);
    expect(result.note.startsWith(await log.checkpoint(5))).toBe(true);
  });

  test('forgot what it cosigned for us: rolled-back, and what it signs then is not taken', async () => {
    const { result, witnesses, odd } = await beside((body, honest) => honest.answer(body));
    expect(namesIn(result.note)).toEqual([ORIGIN, 'odd.example', 'good.example']);
    const kept = odd.notes.get(ORIGIN);
    odd.notes.clear();
    expect(await cosign(witnesses, 9)).toMatchObject({
      quorum: true,
      failures: [{ witness: 'odd.example', reason: 'rolled-back' }],
    });
    odd.notes.set(ORIGIN, kept!);
    expect(await cosign(witnesses, 9)).toMatchObject({ failures: [] });
  });

  test('has seen a larger tree: ahead each time it is asked, until ours has grown to it', async () => {
    const { witnesses, odd, result } = await beside((body, honest) => honest.answer(body), 3);
    expect(result.failures).toEqual([]);
    await odd.answer(await log.submission(3, 8));
    expect(await cosign(witnesses, 5)).toMatchObject({ quorum: true, failures: [{ reason: 'ahead' }] });
    expect(await cosign(witnesses, 8)).toMatchObject({ quorum: true, failures: [] });
  });

  test('said once that it saw a larger tree: is asked again all the same', async () => {
    let claims = 1;
    const { witnesses, result } = await beside(async (body, honest) =>
      claims-- > 0 ? answer(409, '9007199254740991\n', SIZE_TYPE) : honest.answer(body),
    );
    expect(result.failures).toMatchObject([{ reason: 'ahead' }]);
    expect(await cosign(witnesses, 5)).toMatchObject({ failures: [] });
  });

  test('says its size, the right one, as another type: not believed', async () => {
    const { result } = await beside(async (body, honest) => {
      await honest.answer(await log.submission(0, 3));
      return { ...(await honest.answer(body)), contentType: 'text/plain' };
    });
    expect(result.failures).toMatchObject([{ reason: 'answer', detail: '409 with text/plain' }]);
  });

  test('cosigned another tree of ours: inconsistent', async () => {
    const { witnesses, odd } = await beside((body, honest) => honest.answer(body), 1);
    await odd.answer(await fork.submission(1, 4));
    expect(await cosign(witnesses, 8)).toMatchObject({ quorum: true, failures: [{ reason: 'inconsistent' }] });
  });

  test('asks for a proof that we cannot make: said, and the others go on', async () => {
    const { witnesses } = await beside((body, honest) => honest.answer(body), 3);
    const broken = async () => Promise.reject(new Error('a tile is missing'));
    const { quorum, failures } = await witnesses.cosign(await log.checkpoint(5), broken);
    expect(quorum).toBe(false);
    expect(failures.map(({ reason, detail }) => `${reason} ${detail}`)).toEqual([
      'proof from 3: a tile is missing',
      'proof from 3: a tile is missing',
    ]);
  });

  test('a verifier that believes everything lets the lie in: it is the signature that keeps it out', async () => {
    const odd = new WitnessInMemory('odd.example', [log.keys.key]);
    const post = switchboard({ [odd.name]: (body) => lie(body, odd, { text: fork.text(5) }) });
    const credulous = witnessesOf(policyOf([odd], 'any'), post, { verify: () => true });
    expect(await cosign(credulous, 5)).toMatchObject({ quorum: true });
    expect(await cosign(witnessesOf(policyOf([odd], 'any'), post), 5)).toMatchObject({ quorum: false });
  });
});

describe('a witness’s lines', () => {
  test('of keys that are not its own are left behind, one of its own is taken', async () => {
    const { result } = await beside(async (body, odd) => {
      const own = await lie(body, odd);
      const stranger = formatSignature({ name: 'x.example', id: 1, bytes: new Uint8Array(72) });
      const usurper = formatSignature({ name: 'good.example', id: 1, bytes: new Uint8Array(72) });
      return answer(200, Buffer.concat([bytesOf(stranger + usurper), own.body, own.body]));
    });
    expect(namesIn(result.note)).toEqual([ORIGIN, 'odd.example', 'good.example']);
    expect(result.failures).toEqual([]);
  });

  test('with a time in the future stand: it is their word', async () => {
    const { result, odd } = await beside((body, honest) => lie(body, honest, { time: 9_999_999_999 }));
    const { signatures } = parseSignedCheckpoint(bytesOf(result.note)).note;
    expect(cosignatureTime(signatures.find(({ name }) => name === odd.name)!)).toBe(9_999_999_999);
  });

  test('without a time do not', async () => {
    const { result } = await beside(async (body, odd) => {
      const { sign } = testKey(odd.name, odd.seed, ED25519_COSIGNATURE);
      const { text } = parseSubmission(bytesOf(body)).signed.note;
      const bytes = Buffer.concat([new Uint8Array(8), sign(bytesOf(`cosignature/v1\ntime 0\n${text}`))]);
      return answer(200, formatSignature({ name: odd.name, id: odd.witness.key.id, bytes }));
    });
    expect(result.failures).toMatchObject([{ witness: 'odd.example', reason: 'cosignature' }]);
  });
});

describe('waiting', () => {
  test('ends at the time-out where there is no quorum, with what there is', async () => {
    const good = new WitnessInMemory('good.example', [log.keys.key]);
    const odd = new WitnessInMemory('odd.example', [log.keys.key]);
    const signals: AbortSignal[] = [];
    const post = switchboard({
      [good.name]: (body) => good.answer(body),
      [odd.name]: (_, signal) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    const witnesses = witnessesOf(policyOf([odd, good], 'all'), post, { timeoutMs: 100 });
    const { note, quorum, failures } = await cosign(witnesses, 5);
    expect({ quorum, failures }).toMatchObject({ quorum: false, failures: [{ reason: 'late' }] });
    expect(namesIn(note)).toEqual([ORIGIN, 'good.example']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('is over with a quorum, and a witness that was let go is found where it is', async () => {
    let isSlow = true;
    const { result, witnesses } = await beside(async (body, honest) => {
      const kept = await honest.answer(body); // it kept our note, and we never heard of it
      return isSlow ? new Promise(() => undefined) : kept;
    });
    expect(result).toMatchObject({ quorum: true, failures: [{ reason: 'late' }] });
    isSlow = false;
    expect(await cosign(witnesses, 8)).toMatchObject({ quorum: true, failures: [] });
  });

  test('needs no quorum to end where the policy asks for none', async () => {
    const [good, stuck] = ['good.example', 'stuck.example'].map((name) => new WitnessInMemory(name, [log.keys.key]));
    const post = switchboard({
      [good!.name]: (body) => good!.answer(body),
      [stuck!.name]: () => new Promise(() => undefined),
    });
    const { note, quorum } = await cosign(witnessesOf(policyOf([good!, stuck!], 'none'), post), 5);
    expect(quorum).toBe(true);
    expect(namesIn(note)).toEqual([ORIGIN, 'good.example']);
  });

  test('for a quorum that nobody can be asked for never begins', () => {
    const alone = { name: 'alone.example', vkey: new WitnessInMemory('alone.example', []).vkey, url: '' };
    const post: Post = () => Promise.reject(new Error('nobody is asked'));
    expect(() => witnessesOf(policyOf([alone], 'all'), post)).toThrow('a quorum that cannot be met');
  });
});

describe('what is refused before anyone is asked', () => {
  const nobody: Post = () => Promise.reject(new Error('nobody is asked'));
  const witness = new WitnessInMemory('w.example', [log.keys.key]);

  test('a policy that does not accept our log with our key', () => {
    const renewed = new GrowingLog({ seed: 7 });
    const elsewhere = new GrowingLog({ origin: 'other.example/log' });
    for (const logs of [[], [renewed], [elsewhere]]) {
      expect(() => witnessesOf(policyOf([witness], 'all', logs), nobody)).toThrow('does not accept the log');
    }
  });

  test('a witness’s address that is none', () => {
    for (const url of ['w.example', 'ftp://w.example', 'data:text/plain,x']) {
      expect(() => witnessesOf(policyOf([{ ...witness, vkey: witness.vkey, url }], 'all'), nobody)).toThrow('http(s)');
    }
  });

  test('a checkpoint that is not ours, or that we did not sign', async () => {
    const witnesses = witnessesOf(policyOf([witness], 'all'), nobody);
    const stranger = new GrowingLog({ seed: 7 });
    const elsewhere = new GrowingLog({ origin: 'other.example/log' });
    await expect(cosign(witnesses, 5, stranger)).rejects.toThrow('signature-missing');
    await expect(cosign(witnesses, 5, elsewhere)).rejects.toThrow('origin-unknown');
    await expect(witnesses.cosign(log.text(5), async () => [])).rejects.toThrow('note-text');
  });
});

describe('the POST itself', () => {
  const post = (handler: RequestListener) =>
    serve(handler).then((url) => postText(url, 'hello', AbortSignal.timeout(20_000)));

  test('sends text and brings back status, type and bytes', async () => {
    const seen: unknown[] = [];
    const result = await post(async (request, response) => {
      seen.push(request.method, request.headers['content-type'], Buffer.concat(await request.toArray()).toString());
      response.writeHead(409, { 'Content-Type': SIZE_TYPE }).end('3\n');
    });
    expect(seen).toEqual(['POST', 'text/plain; charset=utf-8', 'hello']);
    expect(result).toEqual({ status: 409, contentType: SIZE_TYPE, body: Buffer.from('3\n') });
  });

  test('follows no redirect', async () => {
    let requests = 0;
    const result = await post((_, response) => {
      requests++;
      response.writeHead(307, { Location: '/elsewhere' }).end();
    });
    expect({ status: result.status, requests }).toEqual({ status: 307, requests: 1 });
  });

  test('reads so much and no more', async () => {
    const endless: RequestListener = (_, response) => {
      const pour = () => {
        while (response.write('A'.repeat(10_000)));
      };
      response.on('drain', pour);
      pour();
    };
    await expect(post(endless)).rejects.toThrow('too large');
  });

  test('ends with its signal, also in the middle of a body', async () => {
    const end = new AbortController();
    const url = await serve((_, response) => {
      response.write('A');
      setImmediate(() => end.abort());
    });
    await expect(postText(url, 'hello', end.signal)).rejects.toThrow('aborted');
  });

  test('says who is not there', async () => {
    const url = await serve(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const witness = { name: 'w.example', vkey: new WitnessInMemory('w.example', []).vkey, url };
    const { failures } = await cosign(witnessesOf(policyOf([witness], 'all'), postText), 5);
    expect(failures).toEqual([{ witness: 'w.example', reason: 'unreachable', detail: 'ECONNREFUSED' }]);
  });
});
