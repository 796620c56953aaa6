/**
 * The identity provider's own keys, held against what the log says of them: a gateway that made up keys could sign
 * id_tokens itself. Only a monitor can ask while they are in use (OpenID Connect Discovery §4).
 */
import type { IdentityKeys } from '../log/entry.ts';
import type { Sha256 } from '../tlog/merkle.ts';
import { decodeUtf8 } from '../tlog/text.ts';
import { Difference } from './difference.ts';
import { webSource } from './source.ts';

/**
 * @param noted the entries to ask about; of one issuer's only the last can still be true
 * @throws Difference `identity-keys`, Unreachable
 */
export async function checkIdentityKeys(noted: readonly IdentityKeys[], sha256: Sha256): Promise<void> {
  const latest = new Map(noted.map((entry) => [entry.issuer, entry]));
  for (const [issuer, { jwks, day }] of latest) {
    const bytes = await fetchKeys(issuer);
    const found = Array.from(sha256(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (found === jwks) continue;
    const detail = `the log noted key set ${jwks} on ${day}, the issuer publishes ${found}: it changed its keys since, or those are not its keys`;
    throw new Difference({ code: 'identity-keys', where: issuer, detail });
  }
}

async function fetchKeys(issuer: string): Promise<Uint8Array> {
  const path = '.well-known/openid-configuration';
  const discovery = await webSource(issuer).read(path);
  const uri = discovery === undefined ? undefined : jwksUri(decodeUtf8(discovery) ?? '');
  const bytes = uri === undefined ? undefined : await webSource(new URL('.', uri).href).read(uri);
  if (bytes !== undefined) return bytes;
  throw new Difference({ code: 'identity-keys', where: issuer, detail: 'it publishes no keys' });
}

function jwksUri(document: string): string | undefined {
  try {
    const { jwks_uri: uri } = JSON.parse(document) as { readonly jwks_uri?: unknown };
    return typeof uri === 'string' && URL.canParse(uri) ? uri : undefined;
  } catch {
    return undefined;
  }
}
