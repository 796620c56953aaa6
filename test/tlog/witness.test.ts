/** What a witness makes of a submission: every status of c2sp.org/tlog-witness. */
import { describe, expect, test } from 'vitest';
import { formatCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosignatureVerifier, cosigner } from '../../src/tlog/cosignature.ts';
import { rootOf } from '../../src/tlog/merkle.ts';
import { carryOut, planConsistency } from '../../src/tlog/merkle-proof.ts';
import {
  ED25519_COSIGNATURE,
  ed25519Signer,
  ed25519Verifier,
  formatNote,
  signNote,
  verifyNote,
} from '../../src/tlog/note.ts';
import {
  formatCosignatures,
  formatSize,
  formatSubmission,
  judgeSubmission,
  type KnownLog,
  monitoringPath,
  parseCosignatures,
  parseSize,
  parseSubmission,
  SIZE_TYPE,
} from '../../src/tlog/witness.ts';
import { bytesOf, flipped, hashing, sha256, testKey, verifyEd25519 } from './crypto.ts';

const ORIGIN = 'petitions.example.org/log';
const log = testKey(ORIGIN, 1);
const stranger = testKey(ORIGIN, 2);
const leaves = Array.from({ length: 9 }, (_, i) => hashing.leaf(bytesOf(`leaf ${i}`)));
const rootAt = (size: number) => rootOf(hashing, leaves.slice(0, size));
const proofOf = (from: number, to: number) => {
  const plan = planConsistency(from, to);
  const hashes = plan
    .flat()
    .map(({ level, index }) => rootOf(hashing, leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)));
  return carryOut(hashing, plan, hashes);
};
const checkpoint = async (size: number, by = log, root = rootAt(size), extensions: string[] = []) =>
  formatNote(
    await signNote(formatCheckpoint({ origin: ORIGIN, size, root, extensions }), [ed25519Signer(by.key, by.sign)]),
  );

/** A witness that saw the log at a size. */
const seen = (size: number): KnownLog => ({
  verifiers: [ed25519Verifier(log.key, verifyEd25519)],
  latest: { size, root: rootAt(size) },
});
const judge = (body: string, known = seen(3)) =>
  judgeSubmission(hashing, bytesOf(body), (origin) => (origin === ORIGIN ? known : undefined));
const grown = async (from: number, to: number) =>
  formatSubmission({ oldSize: from, proof: proofOf(from, to), checkpoint: await checkpoint(to) });

describe('a witness cosigns', () => {
  test.each([
    [0, 1],
    [0, 0],
    [0, 9],
    [1, 3],
    [3, 5],
    [4, 8],
    [8, 9],
    [5, 5],
  ])('from %i to %i', async (from, to) => {
    expect(await judge(await grown(from, to), seen(from))).toMatchObject({ status: 200 });
  });

  test('a checkpoint beside whose log’s signature others stand', async () => {
    const other = (await checkpoint(5, stranger)).split('\n\n')[1];
    const body = formatSubmission({ oldSize: 3, proof: proofOf(3, 5), checkpoint: (await checkpoint(5)) + other });
    expect(await judge(body)).toMatchObject({ status: 200 });
  });
});

describe('a witness refuses', () => {
  test('404: a log that it does not know', async () => {
    const body = (await grown(3, 5)).replace(ORIGIN, 'other.example/log');
    expect(await judge(body)).toMatchObject({ status: 404 });
  });

  test('403: no signature of the log, or one that fails', async () => {
    const good = await grown(3, 5);
    const unsigned = formatSubmission({ oldSize: 3, proof: proofOf(3, 5), checkpoint: await checkpoint(5, stranger) });
    expect(await judge(unsigned)).toMatchObject({ status: 403, reason: expect.stringContaining('signature-missing') });
    const forged = good.replace('\n5\n', '\n6\n');
    expect(await judge(forged)).toMatchObject({ status: 403, reason: expect.stringContaining('signature-wrong') });
    // Signatures are judged before sizes: nobody learns a size with a checkpoint that the log did not sign.
    expect(await judge(unsigned, seen(4))).toMatchObject({ status: 403 });
  });

  test('400: an old size above the checkpoint’s', async () => {
    const body = formatSubmission({ oldSize: 6, proof: [], checkpoint: await checkpoint(5) });
    expect(await judge(body, seen(6))).toMatchObject({ status: 400 });
  });

  test('409: an old size that is not what it cosigned last, and says which', async () => {
    for (const from of [0, 1, 4, 5]) expect(await judge(await grown(from, 5))).toEqual({ status: 409, size: 3 });
    expect(parseSize(bytesOf(formatSize(3)))).toBe(3);
    expect(SIZE_TYPE).toBe('text/x.tlog.size');
  });

  test('422: a proof that does not verify, is missing, or is too much', async () => {
    const good = proofOf(3, 5);
    const body = async (oldSize: number, proof: readonly Uint8Array[], size: number, root = rootAt(size)) =>
      formatSubmission({ oldSize, proof, checkpoint: await checkpoint(size, log, root) });
    expect(
      await judge(
        await body(
          3,
          good.map((hash) => flipped(hash, 0)),
          5,
        ),
      ),
    ).toMatchObject({ status: 422 });
    expect(await judge(await body(3, good.slice(1), 5))).toMatchObject({ status: 422 });
    expect(await judge(await body(3, [...good, rootAt(1)], 5))).toMatchObject({ status: 422 });
    expect(await judge(await body(3, [], 5))).toMatchObject({ status: 422 });
    expect(await judge(await body(3, good, 5, rootAt(4)))).toMatchObject({ status: 422 });
    expect(await judge(await body(0, [rootAt(1)], 5), seen(0))).toMatchObject({ status: 422 });
    // One size with two roots is a fork.
    expect(await judge(await body(3, [], 3, rootAt(4)))).toMatchObject({ status: 422 });
    expect(await judge(await body(3, [rootAt(3)], 3))).toMatchObject({ status: 422 });
    // An empty tree has one root.
    expect(await judge(await body(0, [], 0, rootAt(1)), seen(0))).toMatchObject({ status: 422 });
  });

  test('400: whatever is not of the form', async () => {
    const good = await grown(3, 5);
    const [first = '', hash = ''] = good.split('\n');
    const malformed = [
      '',
      '\n\n',
      good.slice(first.length + 1),
      good.replace('old 3', 'old 03'),
      good.replace('old 3', 'old -3'),
      good.replace('old 3', 'old'),
      good.replace('old 3', 'old  3'),
      good.replace('old 3', 'old 3 '),
      good.replace('old 3', 'Old 3'),
      good.replace('old 3', 'old 9007199254740993'),
      good.replace(hash, hash.slice(0, -1)),
      good.replace(hash, hash.replace(/.=$/, '/=')),
      good.replace(hash, `${hash} `),
      good.replace(hash, ''),
      good.replace(hash, Array(64).fill(hash).join('\n')),
      good.replace('\n\n', '\n'),
      good.replaceAll('\n', '\r\n'),
      good.slice(0, -1),
      good.slice(0, good.indexOf('\u2014')),
      good.replace('\n5\n', '\n05\n'),
    ];
    for (const body of malformed) expect(await judge(body)).toMatchObject({ status: 400 });
    const bytes = bytesOf(good).with(1, 0xff);
    expect(await judgeSubmission(hashing, bytes, () => seen(3))).toMatchObject({ status: 400 });
  });
});

describe('what travels', () => {
  test('a submission comes back as it was', async () => {
    const submission = { oldSize: 3, proof: proofOf(3, 9), checkpoint: await checkpoint(9) };
    const { signed, ...parsed } = parseSubmission(bytesOf(formatSubmission(submission)));
    expect(parsed).toEqual({ ...submission, proof: submission.proof.map((hash) => new Uint8Array(hash)) });
    expect(signed.checkpoint.size).toBe(9);
  });

  test('an answer’s cosignatures verify with the checkpoint’s text; unknown ones prove nothing', async () => {
    const witness = testKey('witness.example/w1', 11, ED25519_COSIGNATURE);
    const { signed } = parseSubmission(bytesOf(await grown(3, 5)));
    const { signatures } = await signNote(signed.note.text, [cosigner(witness.key, witness.sign, 7)]);
    const lines = parseCosignatures(bytesOf(formatCosignatures(signatures)));
    const verifiers = [cosignatureVerifier(witness.key, verifyEd25519)];
    expect(await verifyNote({ text: signed.note.text, signatures: lines }, verifiers)).toHaveLength(1);
    const unknown = parseCosignatures(bytesOf('\u2014 x.example AAAAAAA=\n'));
    await expect(verifyNote({ text: signed.note.text, signatures: unknown }, verifiers)).rejects.toThrow('missing');
    for (const wrong of [
      '',
      '\n',
      'hello\n',
      `${formatCosignatures(signatures)}\n`,
      formatCosignatures(signatures).trim(),
    ]) {
      expect(() => parseCosignatures(bytesOf(wrong))).toThrow('note-signature');
    }
    expect(() => parseCosignatures(Uint8Array.of(0xff, 0x0a))).toThrow('note-signature');
  });

  test('a size is one line of decimal', () => {
    for (const body of ['', '3', '03\n', '3\n\n', ' 3\n', '-3\n', '3\r\n'])
      expect(() => parseSize(bytesOf(body))).toThrow();
  });

  test('a log’s checkpoint is found under the hash of its origin', () => {
    expect(monitoringPath(sha256, ORIGIN)).toBe(`${Buffer.from(sha256(bytesOf(ORIGIN))).toString('hex')}/checkpoint`);
  });
});
