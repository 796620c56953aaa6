/** Looks for what must be nowhere: a value as it is, in hex, in base64 and in base64url at any alignment. */

export type Secret = { readonly name: string; readonly value: string };
export type Place = { readonly name: string; readonly bytes: Buffer };

export function findLeaks(places: readonly Place[], secrets: readonly Secret[]): string[] {
  return places.flatMap((place) => {
    const text = place.bytes.toString('latin1').toLowerCase();
    return secrets.flatMap(({ name, value }) =>
      formsOf(value).some((form) => text.includes(form)) ? [`${name} in ${place.name}`] : [],
    );
  });
}

function formsOf(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  const base64 = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    // The first and last characters also depend on what stands beside the value.
    const inner = text.slice(shift === 0 ? 0 : shift + 1, -1);
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const forms = [bytes.toString('latin1'), encodeURIComponent(value), bytes.toString('hex'), ...base64];
  return [...new Set(forms.map((form) => form.toLowerCase()))];
}
