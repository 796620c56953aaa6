/**
 * The program's own messages, as JSON lines. Guarantee: no IP address, no identity, no token. Nothing of a request is
 * logged but what is listed at the call, and of an unexpected error only its type, its code and where it was thrown:
 * its message could quote what a person sent.
 */
import pino from 'pino';
import { Refusal, SetupError } from './errors.ts';

/** Bytes of messages that wait for a disk; later ones are dropped. */
const MOST_WAITING = 1_000_000;

export type Diagnostics = {
  debug(facts: Facts, message: string): void;
  info(facts: Facts, message: string): void;
  warn(facts: Facts, message: string): void;
  error(facts: Facts, message: string): void;
};

type Facts = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export function createDiagnostics(level: string, destination: pino.DestinationStream = standardOutput()): Diagnostics {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** Where it is a file on a disk that is full, messages are lost and the program goes on: that is when it is needed. */
function standardOutput(): pino.DestinationStream {
  return pino.destination({ dest: 1, maxLength: MOST_WAITING }).on('error', () => undefined);
}

/** What may be said of an error where nothing that a person sent has a part: what is worded for the operator, in its words. */
export function describeTrouble(error: unknown): Facts {
  if (error instanceof SetupError) return { reason: error.message };
  return error instanceof Refusal ? { code: error.code, reason: error.reason } : describeError(error);
}

/** What may be said of an unexpected error. */
export function describeError(error: unknown): Facts {
  if (!(error instanceof Error)) return { error: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { error: error.name, code, at: frames.slice(0, 8).map((line) => line.trim()) };
}
