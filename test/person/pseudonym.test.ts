import { ristretto255_oprf } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate, generatePseudonymKeyPair, personInput, pseudonyms } from '../../src/person/pseudonym.ts';
import suites from '../vectors/rfc9497-ristretto255.json' with { type: 'json' };

/** `evaluate` is there and documented, but missing from the package's types. */
const independent = ristretto255_oprf.voprf as typeof ristretto255_oprf.voprf & {
  evaluate(secret: Uint8Array, input: Uint8Array): Uint8Array;
};

type Vector = { Input: string; Output: string };
const voprf = suites.suites.find(({ mode }) => mode === 1) as unknown as { skSm: string; vectors: Vector[] };
const oprf = suites.suites.find(({ mode }) => mode === 0) as unknown as { skSm: string; vectors: Vector[] };
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('a nym is a VOPRF of RFC 9497', () => {
  const single = voprf.vectors.flatMap(({ Input, Output }) => {
    const inputs = Input.split(',');
    return Output.split(',').map((output, i) => ({ input: inputs[i] ?? '', output }));
  });

  test.each(single)('the RFC’s vector for input $input', ({ input, output }) => {
    expect(Buffer.from(evaluate(bytes(voprf.skSm), bytes(input))).toString('hex')).toBe(output);
  });

  test('the vectors of another mode do not match: the context is bound', () => {
    const { Input, Output } = oprf.vectors[0]!;
    expect(Buffer.from(evaluate(bytes(oprf.skSm), bytes(Input))).toString('hex')).not.toBe(Output);
  });

  test('an independent implementation agrees on any key and input', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (input) => {
        const { secret } = generatePseudonymKeyPair();
        expect(Buffer.from(evaluate(secret, input))).toEqual(Buffer.from(independent.evaluate(secret, input)));
      }),
      { numRuns: 40 },
    );
  });

  test('the public key is the one that the RFC derives from the secret', () => {
    const { secret, public: publicKey } = generatePseudonymKeyPair();
    const blinded = ristretto255_oprf.voprf.blind(bytes('00'));
    const { evaluated, proof } = ristretto255_oprf.voprf.blindEvaluate(secret, publicKey, blinded.blinded);
    const output = ristretto255_oprf.voprf.finalize(
      bytes('00'),
      blinded.blind,
      evaluated,
      blinded.blinded,
      publicKey,
      proof,
    );
    expect(Buffer.from(output)).toEqual(Buffer.from(evaluate(secret, bytes('00'))));
  });
});

describe('a person’s pseudonyms', () => {
  const someone = { issuer: 'https://idp.example', sub: 'abcdef' };

  test('are the same each time under one key, and unrelated under another', async () => {
    const [one, other] = [generatePseudonymKeyPair(), generatePseudonymKeyPair()];
    const nym = await pseudonyms.evaluate(one.secret, someone);
    expect(nym).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await pseudonyms.evaluate(one.secret, someone)).toBe(nym);
    expect(await pseudonyms.evaluate(other.secret, someone)).not.toBe(nym);
  });

  test('two people never share an input, however issuer and sub are cut', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
        fc.pre(![a, b, c, d].some((text) => text.includes('\0') || !text.isWellFormed()) && (a !== c || b !== d));
        const input = (issuer: string, sub: string) => Buffer.from(personInput({ issuer, sub })).toString('hex');
        expect(input(a, b)).not.toBe(input(c, d));
      }),
    );
  });

  test('a NUL in an issuer or a sub is refused, because it would join them', () => {
    expect(() => personInput({ issuer: 'a\0', sub: 'b' })).toThrow(RangeError);
    expect(() => personInput({ issuer: 'a', sub: '\0b' })).toThrow(RangeError);
  });
});
