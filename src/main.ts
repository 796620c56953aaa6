/** The `paraphe` executable: picks a command, and turns bad news into one line and an exit code. */
import packageJson from '../package.json' with { type: 'json' };
import { Refusal, SetupError } from './errors.ts';

type Command = {
  readonly about: string;
  readonly load: () => Promise<{ readonly USAGE: string; run(args: readonly string[]): Promise<number> }>;
};

/** Commands load what they need when they are called: `serve` never loads the simulator. */
const COMMANDS: Readonly<Record<string, Command>> = {
  demo: {
    about: 'the gateway with a simulated FranceConnect and three petitions',
    load: () => import('./cli/demo.ts'),
  },
  serve: { about: 'the gateway', load: () => import('./cli/serve.ts') },
  init: { about: 'make the keys', load: () => import('./cli/init.ts') },
  config: { about: 'check and explain the configuration', load: () => import('./cli/config.ts') },
  migrate: {
    about: 'bring the database to this version; --from --to: move into another one',
    load: () => import('./cli/migrate.ts'),
  },
  petition: {
    about: 'open <file> | close <slug> | list | destroy-pseudonyms <slug>',
    load: () => import('./cli/petition.ts'),
  },
  site: {
    about: 'add | list | remove | rotate-secret: the petition sites that may log people in here',
    load: () => import('./cli/site.ts'),
  },
  invalidate: { about: '<petition>: take signatures out of the count', load: () => import('./cli/invalidate.ts') },
  log: { about: 'export <folder>: the published log as files', load: () => import('./cli/log.ts') },
  fsck: { about: 'recompute the whole log from the data', load: () => import('./cli/fsck.ts') },
  backup: { about: '<file>: copy the data, while the gateway serves', load: () => import('./cli/backup.ts') },
  recover: { about: '--mirror <folder>: bring a restored backup forward', load: () => import('./cli/recover.ts') },
  keys: { about: 'rotate: sign receipts with a new key', load: () => import('./cli/keys.ts') },
  witness: { about: 'cosign the checkpoints of logs that only grow', load: () => import('./cli/witness.ts') },
  audit: {
    about: '<url | folder>: count a log again (without arguments: its options)',
    load: () => import('./cli/audit.ts'),
  },
  verify: {
    about: '<receipt.jwt | receipt.tlog-proof> [the other]: check a receipt',
    load: () => import('./cli/verify.ts'),
  },
};

const HELP = ['--help', '-h'];

async function main([name, ...args]: readonly string[]): Promise<number> {
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    if (name === '--version') return print(packageJson.version);
    const isHelp = name === undefined || name === 'help' || HELP.includes(name);
    const stream = isHelp ? process.stdout : process.stderr;
    stream.write(`${usage(isHelp ? undefined : name)}\n`);
    return isHelp ? 0 : 2;
  }
  try {
    const { USAGE, run } = await command.load();
    return args.some((arg) => HELP.includes(arg)) ? print(USAGE) : await run(args);
  } catch (error) {
    const line = badNews(name, error);
    if (line === undefined) throw error;
    process.stderr.write(`${line}\n`);
    return 1;
  }
}

/** The one line for what is the user's to mend; `undefined` for a bug. */
function badNews(name: string | undefined, error: unknown): string | undefined {
  if (isUsageError(error)) return `paraphe ${name}: ${error.message}`;
  if (error instanceof SetupError) return error.message;
  if (isFileError(error)) return `Cannot ${error.syscall} ${error.path ?? 'a file'}: ${error.code}.`;
  if (isDatabaseError(error)) return `The database cannot be read (${error.message}): run \`paraphe fsck\`.`;
  return error instanceof Refusal ? `Refused: ${error.message}` : undefined;
}

/** A file or folder that is missing, not ours or in the way: the user's to mend. */
function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** What SQLite says of a file that is damaged. */
function isDatabaseError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_');
}

/** What `node:util`'s parseArgs throws for arguments that it does not know. */
function isUsageError(error: unknown): error is Error {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function usage(unknown: string | undefined): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`);
  const head = unknown === undefined ? [] : [`There is no command ${unknown}.`, ''];
  return [...head, 'Usage: paraphe <command>', '', ...lines].join('\n');
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

/** What was asked for does not hold if nobody could be told: a secret is shown once. Whoever stops reading knows it. */
function failWhenUnwritten(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`The output could not be written: ${error.code}.\n`);
    process.on('exit', () => {
      process.exitCode = 1;
    });
  });
  process.stderr.on('error', () => {});
}

process.umask(0o077); // what we write is ours alone
failWhenUnwritten();
process.exitCode = await main(process.argv.slice(2));
