/**
 * Two cores and three workers, since many a test waits. Time-outs end what hangs, on a machine ten times slower than ours
 * too; they measure nothing.
 */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The example imports what a petition site would; here, from the source.
  resolve: { alias: { 'paraphe/verify': join(import.meta.dirname, 'src/receipt/verify.ts') } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/fakes/chromium-setup.ts', 'test/fakes/postgres-setup.ts'],
    maxWorkers: 3,
    // For the processes that tests start: each is quicker when it finds the program compiled.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
