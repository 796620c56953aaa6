/** Trust policies. */
import { describe, expect, test } from 'vitest';
import { formatCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosigner } from '../../src/tlog/cosignature.ts';
import { ED25519_COSIGNATURE, ed25519Signer, formatNote, formatVerifierKey, signNote } from '../../src/tlog/note.ts';
import { isQuorum, parsePolicy, trustLog, verifyByPolicy } from '../../src/tlog/policy.ts';
import vectors from '../vectors/policies.json' with { type: 'json' };
import { bytesOf, hashing, sha256, testKey, verifyEd25519 } from './crypto.ts';

describe('a policy that is read', () => {
  test.each(vectors.valid)('$about', ({ policy, logs, cases }) => {
    const read = parsePolicy(sha256, bytesOf(policy));
    expect(read.logs.map(({ key }) => key.name)).toEqual(logs);
    for (const { cosigned, quorum } of cases) {
      expect(isQuorum(read.quorum, ({ name }) => (cosigned as string[]).includes(name))).toBe(quorum);
    }
  });

  test('keeps the addresses that stand there', () => {
    const read = parsePolicy(sha256, bytesOf(vectors.valid[4]!.policy));
    expect(read.logs.map(({ url }) => url)).toEqual(['https://petitions.example.org/log']);
    expect(read.witnesses.map(({ url }) => url)).toEqual([undefined, 'https://w2.example/submit', undefined]);
  });

  test('may hold comments that are not UTF-8, and at least 32 of each', () => {
    const lines = Array.from({ length: 32 }, (_, i) => {
      const [log, witness] = [testKey(`l${i}.example`, 50 + i), testKey(`w${i}.example`, 90 + i, ED25519_COSIGNATURE)];
      return `log ${formatVerifierKey(log.key)}\nwitness w${i} ${formatVerifierKey(witness.key)}\ngroup g${i} any w${i}\n`;
    });
    const all = Array.from({ length: 32 }, (_, i) => `g${i}`).join(' ');
    const text = `${lines.join('')}group every all ${all}\nquorum every\n# `;
    const read = parsePolicy(sha256, Buffer.concat([bytesOf(text), Uint8Array.of(0xff, 0xfe)]));
    expect(isQuorum(read.quorum, () => true)).toBe(true);
    expect(isQuorum(read.quorum, ({ name }) => name !== 'w17')).toBe(false);
  });
});

describe('a policy that is refused', () => {
  test.each(vectors.invalid)('$about', ({ policy }) => {
    expect(() => parsePolicy(sha256, bytesOf(policy))).toThrow(expect.objectContaining({ name: 'Malformed' }));
  });

  test('says on which line', () => {
    expect(() => parsePolicy(sha256, bytesOf('# one\nquorum nobody\n'))).toThrow(
      'policy: line 2: nobody is not defined',
    );
  });
});

describe('a checkpoint under a policy', () => {
  const log = testKey('petitions.example.org/log', 1);
  const witness = testKey('witness.example/w1', 11, ED25519_COSIGNATURE);
  const text = formatCheckpoint({ origin: log.key.name, size: 0, root: hashing.empty });
  const byLog = ed25519Signer(log.key, log.sign);
  const byWitness = cosigner(witness.key, witness.sign, 1);
  const policy = parsePolicy(
    sha256,
    bytesOf(`log ${formatVerifierKey(log.key)}\nwitness w ${formatVerifierKey(witness.key)}\nquorum w\n`),
  );
  const note = async (...signers: (typeof byLog)[]) => bytesOf(formatNote(await signNote(text, signers)));

  test('is trusted with its log’s signature and its quorum', async () => {
    const trusted = await verifyByPolicy(await note(byLog, byWitness), policy, verifyEd25519);
    expect(trusted.log.key).toEqual(log.key);
    expect(trusted.witnesses.map(({ name }) => name)).toEqual(['w']);
    const alone = await verifyByPolicy(await note(byLog, byWitness), trustLog(log.key), verifyEd25519);
    expect(alone.witnesses).toEqual([]);
  });

  test('is not without the one, nor without the other', async () => {
    await expect(verifyByPolicy(await note(byLog), policy, verifyEd25519)).rejects.toThrow('quorum-missing');
    await expect(verifyByPolicy(await note(byWitness), policy, verifyEd25519)).rejects.toThrow('signature-missing');
    await expect(verifyByPolicy(await note(byLog), { ...policy, logs: [] }, verifyEd25519)).rejects.toThrow('origin');
    expect(await verifyByPolicy(await note(byLog), trustLog(log.key), verifyEd25519)).toBeDefined();
  });
});
