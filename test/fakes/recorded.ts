import type { Figures } from '../../src/log/figures.ts';
import { LiveFold } from '../../src/log/live-fold.ts';
import { openStorage } from '../../src/storage/open.ts';
import type { World } from './world.ts';

/** What is recorded of a petition at this instant, published or not. */
export async function recorded(world: World, slug: string): Promise<Figures> {
  const storage = await openStorage(world.config.storage);
  try {
    const petition = await storage.petitions.findBySlug(slug);
    const figures = (await LiveFold.ofStored(storage.log)).freeze().get(petition?.id ?? '');
    if (figures === undefined) throw new Error(`no petition ${slug}`);
    return figures;
  } finally {
    await storage.close();
  }
}
