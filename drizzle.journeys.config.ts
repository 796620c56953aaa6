/** The same for the journeys' file, into `drizzle/sqlite-journeys`. */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'sqlite',
  schema: './src/storage/sqlite/journey-schema.ts',
  out: './drizzle/sqlite-journeys',
});
