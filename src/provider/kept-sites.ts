/**
 * Sites, each read at most ten times a second: one login asks for its site at every step. A site that was removed, or given
 * another secret, is so in every process once `forgottenEverywhere` has come true.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SiteStore } from './ports.ts';
import type { Site, SiteId } from './site.ts';

const KEEP_MS = 100;

export function keepSites({ find }: Pick<SiteStore, 'find'>): SiteStore['find'] {
  const kept = new Map<SiteId, { readonly at: number; readonly site: Promise<Site | undefined> }>();
  return (id) => {
    const known = kept.get(id);
    const now = performance.now();
    if (known !== undefined && now - known.at < KEEP_MS) return known.site;
    const reading = { at: now, site: find(id) };
    kept.set(id, reading);
    const drop = () => void (kept.get(id) === reading && kept.delete(id));
    reading.site.then((found) => found === undefined && drop(), drop); // only what is there is kept
    return reading.site;
  };
}

/** Comes true when no process serves any more what was read before now. Half as long again: timers are not exact. */
export async function forgottenEverywhere(): Promise<void> {
  await sleep(1.5 * KEEP_MS);
}
