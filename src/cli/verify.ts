import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { decodeJwt, type JSONWebKeySet } from 'jose';
import { SetupError } from '../errors.ts';
import { ReceiptError, type VerifyOptions, verifyReceipt } from '../receipt/verify.ts';

const USAGE = 'Usage: paraphe verify <receipt> [--issuer URL] [--jwks FILE] [--petition ID] [--audience ID] [--json]';

/**
 * `paraphe verify <receipt>`: exit code 0 when the receipt holds. Without `--issuer` or `--jwks` it trusts the issuer that
 * the receipt names, and says so: whoever can write a receipt can name an issuer.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: {
      issuer: { type: 'string' },
      jwks: { type: 'string' },
      petition: { type: 'string' },
      audience: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const [path, ...rest] = positionals;
  if (path === undefined || rest.length > 0) throw new SetupError(USAGE);
  const receipt = readText(path);
  const named = values.issuer === undefined && values.jwks === undefined;
  try {
    const issuer = named ? namedIssuer(receipt) : values.issuer;
    const options = { ...pick(values), ...(issuer === undefined ? {} : { issuer }) } as VerifyOptions;
    const { claims, kid } = await verifyReceipt(receipt, options);
    if (values.json) console.log(JSON.stringify({ valid: true, kid, claims }, null, 2));
    else {
      console.log(`The receipt holds: ${claims.iss} signed it with key ${kid}.`);
      console.log(`On ${claims.day} it held one signature by ${claims.sub}`);
      console.log(`for petition ${claims.petition}, statement ${claims.statement}.`);
      if (claims.department !== undefined) console.log(`Département declared: ${claims.department}.`);
      if (named) console.log(`The issuer is the one that the receipt names; to say yours: --issuer ${claims.iss}`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof ReceiptError)) throw error;
    if (values.json) console.log(JSON.stringify({ valid: false, code: error.code, message: error.message }, null, 2));
    else console.error(`The receipt does not hold (${error.message}).`);
    return 1;
  }
}

function pick(values: { jwks?: string | undefined; petition?: string | undefined; audience?: string | undefined }) {
  return {
    ...(values.jwks === undefined ? {} : { jwks: readJwks(values.jwks) }),
    ...(values.petition === undefined ? {} : { petition: values.petition }),
    ...(values.audience === undefined ? {} : { audience: values.audience }),
  };
}

function namedIssuer(receipt: string): string {
  try {
    const issuer = decodeJwt(receipt.trim()).iss;
    if (issuer !== undefined && URL.parse(issuer)?.origin === issuer) return issuer;
  } catch {
    // said below
  }
  throw new ReceiptError('malformed', 'it names no issuer');
}

function readJwks(path: string): JSONWebKeySet {
  try {
    return JSON.parse(readText(path)) as JSONWebKeySet;
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${path} is not a JWK Set.`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SetupError(`Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
