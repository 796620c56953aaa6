/** Signed notes: the vectors, and the strictness that they cannot spell out. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64 } from '../../src/tlog/base64.ts';
import {
  ED25519,
  ED25519_COSIGNATURE,
  ed25519Signer,
  ed25519Verifier,
  formatNote,
  formatVerifierKey,
  parseNote,
  parseVerifierKey,
  signNote,
  type Verifier,
  verifyNote,
} from '../../src/tlog/note.ts';
import vectors from '../vectors/signed-notes.json' with { type: 'json' };
import { bytesOf, fromHex, hex, sha256, testKey, verifyEd25519 } from './crypto.ts';

const verifiersOf = (vkeys: readonly string[]) =>
  vkeys.map((vkey) => ed25519Verifier(parseVerifierKey(sha256, vkey), verifyEd25519));

async function open(note: Uint8Array, vkeys: readonly string[]) {
  const parsed = parseNote(note);
  const verified = await verifyNote(parsed, verifiersOf(vkeys));
  return { text: parsed.text, verified: verified.map(({ verifier }) => verifier.name) };
}

describe('a note that is read', () => {
  test.each(vectors.valid)('$about', async ({ note, verifiers, text, verified }) => {
    expect(await open(bytesOf(note), verifiers)).toEqual({ text, verified });
    expect(formatNote(parseNote(bytesOf(note)))).toBe(note);
  });

  test('is verified the same by a check that answers at once and by one that answers later', async () => {
    const { note, verifiers } = vectors.valid[0]!;
    const later = verifiers.map((vkey) =>
      ed25519Verifier(parseVerifierKey(sha256, vkey), async (...claim) => verifyEd25519(...claim)),
    );
    expect(await verifyNote(parseNote(bytesOf(note)), later)).toHaveLength(1);
    await expect(verifyNote(parseNote(bytesOf(note.replace('If', 'Of'))), later)).rejects.toThrow('signature-wrong');
  });

  test('carries signatures of a post-quantum size', () => {
    const bytes = new Uint8Array(5000).fill(1);
    const note = { text: 'a\n', signatures: [{ name: 'pq.example', id: 7, bytes }] };
    expect(parseNote(bytesOf(formatNote(note)))).toEqual(note);
  });
});

describe('a note that is refused', () => {
  test.each(vectors.invalid)('$about', async (vector) => {
    const note = 'hex' in vector ? fromHex(vector.hex ?? '') : bytesOf(vector.note ?? '');
    await expect(open(note, vector.verifiers)).rejects.toMatchObject({ code: vector.code });
  });

  test('holds any control character but the newline', () => {
    const { note } = vectors.valid[0]!;
    for (let code = 0; code < 32; code++) {
      if (code === 10) continue;
      expect(() => parseNote(bytesOf(note.replace(' ', String.fromCharCode(code))))).toThrow('note-text');
    }
  });

  test('has any of Unicode’s spaces in a key name', () => {
    const spaces =
      '\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';
    for (const space of spaces) {
      const note = vectors.valid[0]!.note.replace('PeterNeumann', `Peter${space}Neumann`);
      expect(() => parseNote(bytesOf(note))).toThrow('key-name');
    }
  });

  test('if nobody was asked to verify it', async () => {
    await expect(verifyNote(parseNote(bytesOf(vectors.valid[0]!.note)), [])).rejects.toThrow('signature-missing');
  });

  test('is what verification is for: a reader that believes every signature takes the forged one', async () => {
    const [forged] = vectors.invalid.filter(({ about }) => about === 'another text');
    const note = parseNote(bytesOf(forged?.note ?? ''));
    const credulous: Verifier[] = verifiersOf(forged?.verifiers ?? []).map((one) => ({ ...one, verify: () => true }));
    expect(await verifyNote(note, credulous)).toHaveLength(1);
  });
});

describe('a verifier key', () => {
  test.each(vectors.keys.valid)('%s', (vkey) => {
    expect(formatVerifierKey(parseVerifierKey(sha256, vkey))).toBe(vkey);
  });

  test.each(vectors.keys.invalid)('is not $vkey: $about', ({ vkey }) => {
    expect(() => parseVerifierKey(sha256, vkey)).toThrow(expect.objectContaining({ name: 'Malformed' }));
  });

  test('is no part of another, and has no character to spare', () => {
    const vkey = vectors.keys.valid[0]!;
    for (let from = 0; from < vkey.length; from++) {
      for (const to of [from + 1, from + 20, vkey.length - 1, vkey.length].filter((one) => one <= vkey.length)) {
        if (to - from === vkey.length) continue;
        expect(() => parseVerifierKey(sha256, vkey.slice(from, to))).toThrow();
      }
      const next = String.fromCharCode(vkey.charCodeAt(from) + 1);
      expect(() => parseVerifierKey(sha256, vkey.slice(0, from) + next + vkey.slice(from + 1))).toThrow();
    }
  });

  test('of one type does not serve for another', () => {
    const cosigning = testKey('w.example', 5, ED25519_COSIGNATURE);
    expect(cosigning.key.id).not.toBe(testKey('w.example', 5, ED25519).key.id);
    expect(() => ed25519Verifier(cosigning.key, verifyEd25519)).toThrow('verifier-key');
    expect(() => ed25519Signer(cosigning.key, cosigning.sign)).toThrow('verifier-key');
  });

  test('is not made with a name that no note can hold', () => {
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u0000', 'a\u3000', '\ud800']) {
      expect(() => testKey(name, 1)).toThrow('key-name');
    }
  });
});

describe('signing', () => {
  const signer = (name: string, seed: number) => {
    const { key, sign } = testKey(name, seed);
    return ed25519Signer(key, sign);
  };

  test('any text that a note can hold comes back, with each signature in its place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (anything) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what no note can hold
        const text = `${anything.replace(/[\u0000-\u0009\u000b-\u001f]/g, '').toWellFormed()}\n`;
        const note = await signNote(text, [signer('a.example', 1), signer('b.example', 2)]);
        const bytes = bytesOf(formatNote(note));
        expect(parseNote(bytes)).toEqual(note);
        const keys = [testKey('a.example', 1), testKey('b.example', 2)].map(({ key }) => formatVerifierKey(key));
        expect(await open(bytes, keys)).toEqual({ text, verified: ['a.example', 'b.example'] });
      }),
      { numRuns: 50 },
    );
  });

  test('a text that no note can hold is not signed', async () => {
    for (const text of ['', 'no end', 'a\tb\n', 'a\rb\n', '\ud800\n']) {
      await expect(signNote(text, [signer('a.example', 1)])).rejects.toThrow('note-text');
    }
  });
});

describe('base64', () => {
  test('is Node’s, and only that one spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(encodeBase64(bytes)).toBe(text);
        expect(hex(decodeBase64(text) ?? bytesOf('none'))).toBe(hex(bytes));
      }),
    );
  });

  test('any text that decodes is what encoding gives', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ABQgw/+-_= \nz09'), maxLength: 12 }), (text) => {
        const bytes = decodeBase64(text);
        if (bytes !== undefined) expect(encodeBase64(bytes)).toBe(text);
      }),
      { numRuns: 2000 },
    );
    for (const text of [
      'QQ',
      'QQ=',
      'QR==',
      'QUJ=',
      '=',
      '====',
      'Q===',
      'QQ==QQ==',
      'QUI=\n',
      'é===',
      'QUJD\u0100\u0100\u0100\u0100',
    ]) {
      expect(decodeBase64(text)).toBeUndefined();
    }
  });
});
