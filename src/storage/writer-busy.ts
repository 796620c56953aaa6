import { SetupError } from '../errors.ts';

/** Another process holds the right to write. */
export class WriterBusy extends SetupError {}
