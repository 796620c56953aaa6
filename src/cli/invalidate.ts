import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readStorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import type { Ground } from '../log/entry.ts';
import { type Writing, withRegister } from '../log-writer.ts';
import { parseNym } from '../person/nym.ts';
import { invalidateSignatures, previewInvalidation } from '../petitions/invalidate-signatures.ts';

const GROUNDS: readonly Ground[] = ['fraud', 'court', 'error'];
export const USAGE = `Usage: paraphe invalidate <petition> --ground ${GROUNDS.join('|')} --nyms FILE [--apply]`;

/**
 * `paraphe invalidate <petition>`: takes signatures out of the count, by a stated ground and for good, each by an entry in
 * the public log. Without `--apply` it only shows what it would do.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    options: { ground: { type: 'string' }, nyms: { type: 'string' }, apply: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [slug, ...rest] = positionals;
  const ground = GROUNDS.find((one) => one === values.ground);
  if (slug === undefined || rest.length > 0 || ground === undefined || values.nyms === undefined) {
    throw new SetupError(USAGE);
  }
  const nyms = readNyms(values.nyms);
  return withRegister(
    readStorageConfig(),
    () => new Date(),
    async ({ storage, register }: Writing) => {
      const petition = await storage.petitions.findBySlug(slug);
      if (petition === undefined) throw new SetupError(`There is no petition ${slug}.`);
      if (petition.destroyed !== undefined) {
        throw new SetupError(`The pseudonyms of ${slug} are destroyed: no entry is about them any more.`);
      }
      const { active, others } = await previewInvalidation(storage, petition, nyms);
      const { length } = active;
      console.log(`${slug}: ${length} of ${nyms.length} pseudonyms have a signature that counts; ${others} have none.`);
      if (!values.apply) {
        console.log(`Nothing was changed. With --apply, ${length} signatures are invalidated (${ground}), for good.`);
        return 0;
      }
      const invalidated = await invalidateSignatures(register, petition, active, ground);
      console.log(`${invalidated} signatures are invalidated (${ground}), each by an entry in the log.`);
      return invalidated === length ? 0 : 1;
    },
  );
}

/** One pseudonym a line, as the log and receipts spell it; `-` reads standard input. */
function readNyms(path: string) {
  const lines = readFileSync(path === '-' ? 0 : path, 'utf8').split('\n');
  const named = lines.map((line) => line.trim()).filter((line) => line !== '');
  return [...new Set(named)].map((line) => {
    const nym = parseNym(line);
    if (nym === undefined) throw new SetupError(`${path}: ${JSON.stringify(line.slice(0, 60))} is no pseudonym.`);
    return nym;
  });
}
