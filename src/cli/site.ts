import { parseArgs } from 'node:util';
import { environment, readOrigin, readStorageConfig, type StorageConfig } from '../config.ts';
import { SetupError } from '../errors.ts';
import type { Petition } from '../petitions/petition.ts';
import { registerSite, removeSite, rotateSiteSecret } from '../provider/register-site.ts';
import { isLoopback, parseSite, type Site } from '../provider/site.ts';
import { readKeys } from '../storage/key-folder.ts';
import { openStorage, type Storage } from '../storage/open.ts';

const clock = () => new Date();
export const USAGE = `Usage: paraphe site add --name <name> --redirect-uri <address> [--redirect-uri …] [--petition <slug> …]
         --auth client_secret_basic | private_key_jwt [--jwks-uri <address>] [--json]
       paraphe site list [--json] | remove <client_id> | rotate-secret <client_id> [--json]`;

const OPTIONS = {
  name: { type: 'string' },
  'redirect-uri': { type: 'string', multiple: true, default: [] as string[] },
  petition: { type: 'string', multiple: true, default: [] as string[] },
  auth: { type: 'string' },
  'jwks-uri': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parse>['values'];
type Context = { readonly config: StorageConfig; readonly storage: Storage };

/** `paraphe site …`: registers petition sites, also beside a serving gateway, which reads them anew at each request. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals, values } = parse(args);
  const [act, subject, ...rest] = positionals;
  const work = chooseAct(act, subject, values);
  if (work === undefined || rest.length > 0) throw new SetupError(USAGE);
  const config = readStorageConfig();
  const storage = await openStorage(config);
  try {
    await work({ config, storage });
  } finally {
    await storage.close();
  }
  return 0;
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
}

function chooseAct(act: string | undefined, subject: string | undefined, values: Values) {
  if (act === 'add' && subject === undefined) return (context: Context) => add(context, values);
  if (act === 'list' && subject === undefined) return (context: Context) => list(context, values.json);
  if (act === 'remove' && subject !== undefined) return (context: Context) => remove(context, subject);
  if (act === 'rotate-secret' && subject !== undefined) {
    return (context: Context) => rotateSecret(context, subject, values.json);
  }
  return undefined;
}

async function add({ config, storage }: Context, values: Values): Promise<void> {
  const description = parseSite({
    name: values.name,
    redirectUris: values['redirect-uri'],
    auth: values.auth,
    jwksUri: values['jwks-uri'],
  });
  const petitions = await Promise.all(values.petition.map((slug) => getPetition(storage, slug)));
  const { keyEncryptionKey } = readKeys(config.keysDir);
  const deps = { sites: storage.sites, keyEncryptionKey, clock };
  const { site, secret } = await registerSite(deps, description, petitions);
  const issuer = issuerOf(config);
  if (values.json) return console.log(JSON.stringify(credentials(site, secret, issuer)));
  console.log(`Registered ${site.name}.`);
  printCredentials(site, secret, issuer);
}

async function list({ storage }: Context, json: boolean): Promise<void> {
  const slugs = new Map((await storage.petitions.list()).map(({ id, slug }) => [id, slug]));
  const rows = (await storage.sites.list()).map(({ id, name, redirectUris, auth, jwksUri, petitions }) => ({
    client_id: id,
    name,
    redirect_uris: redirectUris,
    auth,
    jwks_uri: jwksUri ?? null,
    petitions: petitions.map((petition) => slugs.get(petition) ?? petition),
  }));
  if (json) return console.log(JSON.stringify(rows, null, 2));
  if (rows.length === 0) console.log('No site is registered: register one with `paraphe site add`.');
  for (const { client_id: id, name, redirect_uris: uris, petitions } of rows) {
    console.log(`${id}  ${name}  ${uris.join(' ')}  ${petitions.length === 0 ? 'login only' : petitions.join(' ')}`);
  }
}

async function remove({ storage }: Context, id: string): Promise<void> {
  const { name } = await removeSite(storage, id);
  console.log(`Removed ${name}. The pseudonyms that it knew are gone for good, also if it is registered again.`);
}

async function rotateSecret({ config, storage }: Context, id: string, json: boolean): Promise<void> {
  const { keyEncryptionKey } = readKeys(config.keysDir);
  const { site, secret } = await rotateSiteSecret({ sites: storage.sites, keyEncryptionKey }, id);
  const issuer = issuerOf(config);
  if (json) return console.log(JSON.stringify(credentials(site, secret, issuer)));
  console.log(`${site.name} has a new secret; the one before is refused from now on.`);
  printCredentials(site, secret, issuer);
}

async function getPetition(storage: Storage, slug: string): Promise<Petition> {
  const petition = await storage.petitions.findBySlug(slug);
  if (petition === undefined) throw new SetupError(`There is no petition ${slug}.`);
  return petition;
}

/** What the site's own configuration needs. */
function credentials(site: Site, secret: string | undefined, issuer: string) {
  return { client_id: site.id, ...(secret === undefined ? {} : { client_secret: secret }), issuer };
}

function printCredentials(site: Site, secret: string | undefined, issuer: string): void {
  console.log(`  client_id      ${site.id}`);
  if (secret !== undefined) console.log(`  client_secret  ${secret}   (shown once)`);
  console.log(`  issuer         ${issuer}`);
}

/** From ORIGIN or, where it is not set, from the log's name, which is the gateway's address without its scheme. */
function issuerOf({ keysDir }: StorageConfig): string {
  if (environment().ORIGIN) return `${readOrigin()}/oidc`;
  const host = readKeys(keysDir).logKey.origin.replace(/\/log$/, '');
  const scheme = isLoopback(new URL(`http://${host}`).hostname) ? 'http' : 'https';
  return `${scheme}://${host}/oidc`;
}
