/**
 * What the simulated platform keeps for years: its issuer, its signing keys, the secret behind each `sub`, and
 * the year against which minors' birth dates are computed. One file, mode 600, replaced atomically.
 * Nothing in it names a citizen: a citizen is the same person after a restart because all of this is the same.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { type Clock, parisDay } from '../../clock.ts';
import { SetupError } from '../../errors.ts';
import { firstKeys, type KeyRing, SIGNING_ALGORITHMS } from './keys.ts';

const FILE = 'simulated-franceconnect.json';

const signingKey = z.looseObject({ kty: z.string(), alg: z.enum(SIGNING_ALGORITHMS), kid: z.string() });
const platform = z.strictObject({
  issuer: z.string(),
  referenceYear: z.int(),
  subSecret: z.string(),
  keys: z.strictObject({
    signing: z.array(signingKey),
    retired: z.array(signingKey),
  }),
});

export type Platform = Omit<z.infer<typeof platform>, 'keys'> & { keys: KeyRing };

/** The platform of a folder, made at the first start. Without a folder: a new one, that lives as long as the process. */
export async function openPlatform(dataDir: string | undefined, issuer: string, clock: Clock): Promise<Platform> {
  if (dataDir === undefined) return newPlatform(issuer, clock);
  const file = path.join(dataDir, FILE);
  const kept = await read(file);
  if (kept === undefined) {
    const made = await newPlatform(issuer, clock);
    await savePlatform(dataDir, made);
    return made;
  }
  if (kept.issuer !== issuer) {
    throw new SetupError(
      `${dataDir} belongs to the simulated FranceConnect at ${kept.issuer}, not ${issuer}: use the same FRANCECONNECT_PORT, or another DATA_DIR`,
    );
  }
  return kept;
}

/** A crash leaves the old file or the new one, never half of one. */
export async function savePlatform(dataDir: string, state: Platform): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const file = path.join(dataDir, FILE);
  const temporary = `${file}.${randomUUID()}`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(state, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

async function newPlatform(issuer: string, clock: Clock): Promise<Platform> {
  return {
    issuer,
    referenceYear: Number(parisDay(clock()).slice(0, 4)),
    subSecret: randomBytes(32).toString('hex'),
    keys: await firstKeys(),
  };
}

async function read(file: string): Promise<Platform | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const parsed = platform.safeParse(parseJson(text));
  if (!parsed.success) throw new SetupError(`${file} can not be read: delete it, citizens will then be new persons`);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
