import type { Tally } from '../../src/petitions/signature.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { World } from './world.ts';

/** What is recorded of a petition at this instant; the public JSON may be a second older. */
export async function recorded(world: World, slug: string): Promise<Tally> {
  const storage = openStorage(world.config.storage);
  try {
    const petition = await storage.petitions.findBySlug(slug);
    if (petition === undefined) throw new Error(`no petition ${slug}`);
    return await storage.signatures.tally(petition.id);
  } finally {
    storage.close();
  }
}
