import { describe, expect, test } from 'vitest';
import { explainConfig, readServeConfig, readStorageConfig } from '../src/config.ts';
import { SetupError } from '../src/errors.ts';

const GOOD = {
  ORIGIN: 'https://petitions.example.org',
  IDENTITY_ISSUER: 'https://idp.example/api/v2',
  IDENTITY_CLIENT_ID: 'client',
  IDENTITY_CLIENT_SECRET: 'a-secret-of-enough-characters',
};

describe('the configuration', () => {
  test('needs four variables, and has a sensible value for every other', () => {
    const config = readServeConfig(GOOD);
    expect(config.web).toMatchObject({ port: 3000, host: '127.0.0.1', trustProxy: 0 });
    expect(config.identity).toMatchObject({
      profile: 'franceconnect',
      clientAuth: 'client_secret_post',
      idTokenAlg: 'ES256',
      userinfoAlg: 'ES256',
      scope: 'openid birthdate',
      allowSimulated: false,
    });
    expect(config.acr).toBe('eidas1');
    expect(Object.isFrozen(config)).toBe(true);
  });

  test.each(Object.keys(GOOD))('a missing %s stops the start with one line that says what it is', (name) => {
    expect(() => readServeConfig({ ...GOOD, [name]: '' })).toThrow(SetupError);
    expect(() => readServeConfig({ ...GOOD, [name]: undefined })).toThrow(new RegExp(`^${name} is not set: [^\\n]+$`));
  });

  test.each([
    ['ORIGIN', 'http://petitions.example.org', /loopback/],
    ['ORIGIN', 'https://petitions.example.org/', /origin/],
    ['ORIGIN', 'petitions', /origin/],
    ['IDENTITY_ISSUER', 'http://idp.example', /loopback/],
    ['IDENTITY_ISSUER', 'http://localhost:3001/api/v2', /ALLOW_SIMULATED_IDENTITY=1/],
    ['IDENTITY_ISSUER', 'http://localhost.evil.example', /loopback/],
    ['IDENTITY_CLIENT_SECRET', 'short', /16 characters/],
    ['PORT', 'eighty', /PORT is wrong/],
    ['PORT', '70000', /PORT is wrong/],
    ['IDENTITY_ACR', 'eidas9', /eidas1, eidas2 and eidas3/],
    ['IDENTITY_ACR', '', /eidas1, eidas2 and eidas3/],
    ['IDENTITY_USERINFO_ALG', 'none', /FranceConnect signs/],
    ['IDENTITY_BEARER', 'body', /FranceConnect takes/],
    ['IDENTITY_CLIENT_AUTH', 'client_secret_basic', /FranceConnect takes/],
    ['IDENTITY_ID_TOKEN_ALG', 'HS256', /ES256 or RS256/],
    ['IDENTITY_SCOPE', 'birthdate', /openid/],
    ['BRAND', '/nowhere', /^BRAND .*brand.yaml: cannot be read/],
    ['ALLOW_SIMULATED_IDENTITY', 'yes', /ALLOW_SIMULATED_IDENTITY is wrong/],
  ])('%s=%s stops the start in one line', (name, value, words) => {
    const read = () => readServeConfig({ ...GOOD, [name]: value });
    expect(read).toThrow(words);
    expect(read).toThrow(/^[^\n]+$/);
  });

  test('says everything that is wrong at once', () => {
    expect(() => readServeConfig({ ...GOOD, PORT: 'x', ORIGIN: 'y' })).toThrow(/ORIGIN[^\n]*\nPORT/);
  });

  test('another provider may ask for no level and take plain userinfo', () => {
    const config = readServeConfig({
      ...GOOD,
      IDENTITY_PROFILE: 'oidc',
      IDENTITY_ACR: '',
      IDENTITY_USERINFO_ALG: 'none',
    });
    expect(config.identity).toMatchObject({ clientAuth: 'client_secret_basic', userinfoAlg: 'none' });
    expect(config.acr).toBe('');
  });

  test('a command needs only what it uses', () => {
    expect(readStorageConfig({ DATA_DIR: '/data' })).toEqual({
      dataDir: '/data',
      keysDir: '/data/keys',
      databaseUrl: 'sqlite:',
      lockUrl: undefined,
      allowUnsafeCommits: false,
    });
  });

  test('is explained without its secrets', () => {
    const address = 'postgres://paraphe:hunter2@localhost/paraphe';
    const reports = explainConfig({ ...GOOD, DATABASE_URL: address, LOCK_URL: address });
    expect(JSON.stringify(reports)).not.toContain(GOOD.IDENTITY_CLIENT_SECRET);
    expect(JSON.stringify(reports)).not.toContain('hunter2');
    expect(reports.filter(({ wrong }) => wrong !== undefined)).toEqual([]);
    expect(reports.every(({ about }) => about.length > 10)).toBe(true);
  });

  test('a publication interval is seconds, or says its unit; too short, too long or nonsense is refused', () => {
    const every = (PUBLISH_EVERY: string) => readServeConfig({ ...GOOD, PUBLISH_EVERY }).publishEveryMs;
    expect(['1', '1s', '500ms', '5m', '0.5', ''].map(every)).toEqual([1000, 1000, 500, 300_000, 500, 1000]);
    for (const wrong of ['0', '10ms', '2000m', '1h', '-1', 'soon']) expect(() => every(wrong)).toThrow(/PUBLISH_EVERY/);
  });
});
