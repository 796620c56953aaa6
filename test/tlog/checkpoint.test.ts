/** Checkpoints and cosignatures. */
import { describe, expect, test } from 'vitest';
import { type Checkpoint, formatCheckpoint, openCheckpoint, parseCheckpoint } from '../../src/tlog/checkpoint.ts';
import { cosignatureTime, cosignatureVerifier, cosignedMessage, cosigner } from '../../src/tlog/cosignature.ts';
import {
  ED25519_COSIGNATURE,
  ed25519Signer,
  ed25519Verifier,
  formatNote,
  type Signer,
  signNote,
} from '../../src/tlog/note.ts';
import vectors from '../vectors/checkpoints.json' with { type: 'json' };
import { bytesOf, fromHex, hashing, hex, testKey, verifyEd25519 } from './crypto.ts';

const ORIGIN = 'petitions.example.org/log';
const log = testKey(ORIGIN, 1);
const witness = testKey('witness.example/w1', 11, ED25519_COSIGNATURE);
const logVerifier = ed25519Verifier(log.key, verifyEd25519);
const witnessVerifier = cosignatureVerifier(witness.key, verifyEd25519);
const head: Checkpoint = { origin: ORIGIN, size: 7, root: new Uint8Array(hashing.leaf(bytesOf('a root'))) };
const noteOf = async (checkpoint: Checkpoint, ...signers: Signer[]) =>
  formatNote(await signNote(formatCheckpoint(checkpoint), signers));
const byLog = ed25519Signer(log.key, log.sign);
const byWitness = (time: number) => cosigner(witness.key, witness.sign, time);

describe('a checkpoint’s text', () => {
  test.each(vectors.valid)('$about', ({ text, origin, size, root, extensions }) => {
    const checkpoint = parseCheckpoint(text);
    expect({ ...checkpoint, root: hex(checkpoint.root) }).toEqual({ origin, size, root, extensions });
    expect(formatCheckpoint({ origin, size, root: fromHex(root), extensions })).toBe(text);
  });

  test.each(vectors.invalid)('is not one with $about', ({ text }) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ name: 'Malformed', code: 'checkpoint' }));
  });

  test('is not written for what none can hold', () => {
    for (const wrong of [
      { origin: '' },
      { origin: 'a\nb' },
      { size: -1 },
      { size: 1.5 },
      { size: 2 ** 53 },
      { root: new Uint8Array(31) },
      { extensions: [''] },
      { extensions: ['a\nb'] },
      { extensions: ['a\n\nb'] },
    ]) {
      expect(() => formatCheckpoint({ ...head, ...wrong })).toThrow('checkpoint');
    }
  });
});

describe('a signed checkpoint', () => {
  test('is believed for its log’s signature, which is its first line', async () => {
    const note = await noteOf(head, byLog, byWitness(1_763_719_200));
    const opened = await openCheckpoint(bytesOf(note), ORIGIN, [logVerifier], [witnessVerifier]);
    expect(opened.checkpoint).toEqual({ ...head, extensions: [] });
    expect(opened.verified.map(({ verifier }) => verifier.name)).toEqual([ORIGIN, 'witness.example/w1']);
    expect(opened.note.signatures[0]?.name).toBe(ORIGIN);
  });

  test('of another log is refused, though its key were known', async () => {
    const note = await noteOf({ ...head, origin: 'other.example/log' }, byLog);
    await expect(openCheckpoint(bytesOf(note), ORIGIN, [logVerifier])).rejects.toThrow('origin-unknown');
  });

  test('that only a witness signed is refused', async () => {
    const note = await noteOf(head, byWitness(1));
    const opened = openCheckpoint(bytesOf(note), ORIGIN, [logVerifier], [witnessVerifier]);
    await expect(opened).rejects.toThrow('signature-missing');
  });

  test('may be signed by two keys of its log while one replaces the other', async () => {
    const next = testKey(ORIGIN, 3);
    const note = await noteOf(head, byLog, ed25519Signer(next.key, next.sign));
    for (const key of [log.key, next.key]) {
      const { verified } = await openCheckpoint(bytesOf(note), ORIGIN, [ed25519Verifier(key, verifyEd25519)]);
      expect(verified).toHaveLength(1);
    }
  });
});

describe('a cosignature', () => {
  test('says its time and the whole text, extension lines too', async () => {
    const text = formatCheckpoint({ ...head, extensions: ['more'] });
    const [signature] = (await signNote(text, [byWitness(1_679_315_147)])).signatures;
    expect(cosignatureTime(signature!)).toBe(1_679_315_147);
    expect(new TextDecoder().decode(cosignedMessage(1_679_315_147, text))).toBe(
      `cosignature/v1\ntime 1679315147\n${text}`,
    );
    expect(await witnessVerifier.verify(text, signature!.bytes)).toBe(true);
    expect(await witnessVerifier.verify(formatCheckpoint(head), signature!.bytes)).toBe(false);
  });

  test('with another time, or of another length, does not hold', async () => {
    const text = formatCheckpoint(head);
    const [signature] = (await signNote(text, [byWitness(1_679_315_147)])).signatures;
    const bytes = signature!.bytes;
    for (let i = 0; i < bytes.length; i++) {
      expect(await witnessVerifier.verify(text, bytes.with(i, (bytes[i]! + 1) % 256))).toBe(false);
    }
    for (const wrong of [bytes.subarray(1), bytes.subarray(8), new Uint8Array([...bytes, 0]), new Uint8Array(0)]) {
      expect(await witnessVerifier.verify(text, wrong)).toBe(false);
      expect(() => cosignatureTime({ name: 'w', id: 1, bytes: wrong })).toThrow('cosignature');
    }
    const never = new Uint8Array(72).fill(255);
    expect(await witnessVerifier.verify(text, never)).toBe(false);
    expect(() => cosignatureTime({ name: 'w', id: 1, bytes: never })).toThrow('cosignature');
  });

  test('is no log’s signature, and the other way round', async () => {
    expect(() => cosignatureVerifier(log.key, verifyEd25519)).toThrow('verifier-key');
    expect(() => cosigner(log.key, log.sign, 1)).toThrow('verifier-key');
    const text = formatCheckpoint(head);
    // The same secret under both types: what is signed differs, so one never passes for the other.
    const both = testKey('witness.example/w1', 11);
    expect(await witnessVerifier.verify(text, both.sign(bytesOf(text)))).toBe(false);
    expect(await ed25519Verifier(both.key, verifyEd25519).verify(text, both.sign(cosignedMessage(1, text)))).toBe(
      false,
    );
  });

  test('has a time', () => {
    for (const time of [0, -1, 1.5, 2 ** 53]) expect(() => byWitness(time)).toThrow(RangeError);
  });
});
