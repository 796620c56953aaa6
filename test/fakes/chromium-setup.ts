/**
 * Unpacks the Chromium of `@sparticuz/chromium`, with its fonts and the few libraries that a bare Linux lacks, before the
 * first test starts. By itself the package unpacks into the temporary folder and takes a file that is there for a whole
 * one: two workers could start half a browser. Here it unpacks into a folder of its own, which gets its final name in
 * one step when it is complete. That stands beside the package, so that a new `npm ci` unpacks anew.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type Unpacked = { readonly executablePath: string; readonly env: Record<string, string> };

const MODULES = join(import.meta.dirname, '..', '..', 'node_modules');

export default async function setup(): Promise<void> {
  await unpackChromium();
}

/** What starting the browser takes. Its fonts and libraries are always the packaged ones: one browser on all machines. */
export async function unpackChromium(): Promise<Unpacked> {
  const { version } = JSON.parse(readFileSync(join(MODULES, '@sparticuz/chromium/package.json'), 'utf8'));
  const folder = join(MODULES, '.cache', `chromium-${version}`);
  if (!existsSync(folder)) await unpackInto(folder);
  return {
    executablePath: join(folder, 'chromium'),
    env: { FONTCONFIG_FILE: join(folder, 'fonts.conf'), LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') },
  };
}

async function unpackInto(folder: string): Promise<void> {
  mkdirSync(join(folder, '..'), { recursive: true });
  const own = mkdtempSync(`${folder}-`);
  try {
    // The package adds its libraries where it believes to be in a Lambda function.
    const env = { ...process.env, TMPDIR: own, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' };
    await promisify(execFile)(process.execPath, [import.meta.filename], { env });
    writeFileSync(join(own, 'fonts.conf'), fontsConfig(folder));
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // otherwise somebody else was quicker: theirs is as good
  }
}

function fontsConfig(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>
`;
}

// The process of its own in which the package sees another temporary folder.
if (import.meta.main) await (await import('@sparticuz/chromium')).default.executablePath();
