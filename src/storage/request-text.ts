/** Acts and outcomes as the text that a request's row holds: JSON, with bytes as base64 behind a mark. */
export function encode(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, one: unknown) {
    const original = this[key]; // a Buffer has become an object of numbers by now
    return original instanceof Uint8Array ? { $bytes: Buffer.from(original).toString('base64') } : one;
  });
}

export function decode(text: string): unknown {
  return JSON.parse(text, (_key, one: unknown) =>
    typeof one === 'object' && one !== null && '$bytes' in one ? Buffer.from(String(one.$bytes), 'base64') : one,
  );
}
