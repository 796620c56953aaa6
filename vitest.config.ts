/**
 * Two cores: two workers. A test that has not ended after a minute never will: a busy machine may be five times slower than a
 * quiet one.
 */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // The example imports what a petition site would; here, from the source.
  resolve: { alias: { 'paraphe/verify': join(import.meta.dirname, 'src/receipt/verify.ts') } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/fakes/chromium-setup.ts', 'test/fakes/postgres-setup.ts'],
    maxWorkers: 2,
    // For the processes that tests start: each is quicker when it finds the program compiled.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Public figures may be a second old.
    expect: { poll: { timeout: 10_000 } },
  },
});
