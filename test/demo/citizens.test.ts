import { describe, expect, test } from 'vitest';
import { citizenFinder, identityClaims, pivotIdentity, readCitizens } from '../../src/demo/franceconnect/citizens.ts';
import { refusalOf } from '../../src/demo/franceconnect/rnipp.ts';
import { FRANCE, identityHash, subjectOf } from '../../src/demo/franceconnect/subject.ts';
import { RelyingParty } from './relying-party.ts';

const citizens = readCitizens(2026);
const find = citizenFinder(citizens);

function citizen(login: string) {
  const found = find(login);
  if (found === undefined) throw new Error(`no ${login}`);
  return found;
}

describe('the sub', () => {
  const jeanne = {
    given_name: 'Jeanne',
    family_name: 'DURAND',
    birthdate: '1962-08-24',
    gender: 'female',
    birthplace: '75107',
    birthcountry: FRANCE,
  };

  test('rests on FranceConnect’s identity hash', () => {
    // france-connect/sources, docker/volumes/mongo-fcp-low/scripts/db-states/_default/account.js
    expect(identityHash(jeanne)).toBe('ieFUFlBzMSDN+mz+DSHCjgmaPbOd2OPRsSP4QbUMvxE=');
  });

  test('is the hash of entity, identity hash and secret', () => {
    // printf '%s' 'entityieFUFlBzMSDN+mz+DSHCjgmaPbOd2OPRsSP4QbUMvxE=secret' | sha256sum
    expect(subjectOf(jeanne, 'entity', 'secret')).toBe(
      'f6ad970fb882aea8e1f3d8f185952967cac8150caa758c5fff2c583f5046b9d4v1',
    );
  });

  test('takes a name in either Unicode form for the same, and keeps the low byte beyond Latin-1', () => {
    const named = (family_name: string) => identityHash({ ...jeanne, family_name });
    expect(named('LHÔTELLIER'.normalize('NFD'))).toBe(named('LHÔTELLIER'.normalize('NFC')));
    expect(named('Œ')).toBe(named('R'));
    expect(named('É')).not.toBe(named('E'));
  });

  test('leaves the birthplace out for people born abroad', () => {
    const abroad = { ...jeanne, birthcountry: '99352' };
    expect(identityHash(abroad)).toBe(identityHash({ ...abroad, birthplace: '' }));
    expect(identityHash(jeanne)).not.toBe(identityHash({ ...jeanne, birthplace: '' }));
  });

  test('is one per person and entity', () => {
    const sub = (login: string, entity = 'a') => subjectOf(pivotIdentity(citizen(login)), entity, 'secret');
    expect(sub('test')).toMatch(/^[0-9a-f]{64}v1$/);
    expect(sub('test_autre_fi')).toBe(sub('test'));
    expect(sub('test', 'b')).not.toBe(sub('test', 'a'));
    expect(sub('homonyme_1')).not.toBe(sub('homonyme_2'));
    const all = citizens.filter(({ login }) => login !== 'test_autre_fi').map(({ login }) => sub(login));
    expect(new Set(all).size).toBe(all.length);
  });

  test('is shared by two clients of one entity', async () => {
    await using service = await RelyingParty.start();
    const { client } = service;
    const clients = [client, { ...client, clientId: 'other' }, { ...client, clientId: 'foreign', entityId: 'foreign' }];
    await using services = await RelyingParty.start({}, { clients });
    const { subOf } = services.franceConnect;
    expect(subOf('test', 'other')).toBe(subOf('test', 'paraphe'));
    expect(subOf('test', 'foreign')).not.toBe(subOf('test', 'paraphe'));
  });
});

describe('the citizens', () => {
  test('are found however the login is typed', () => {
    expect(find('étranger_présumé_né_jour'.normalize('NFD'))?.login).toBe('étranger_présumé_né_jour');
    expect(find('  test ')?.login).toBe('test');
    expect(find('TEST')).toBeUndefined();
    expect(find('citoyen-0')).toBeUndefined();
    expect(find('citoyen-10000001')).toBeUndefined();
  });

  test('are 15, 16, 17 and 18 for the whole reference year', () => {
    const born = (login: string) => citizen(login).birthdate;
    expect(born('moins_16_ans')).toBe('2011-01-01');
    expect(born('seize_ans')).toBe('2010-01-01');
    expect(born('moins_18_ans')).toBe('2009-01-01');
    expect(born('dix_sept_ans')).toBe('2009-01-01');
    expect(born('dix_huit_ans')).toBe('2008-01-01');
  });

  test('with an unknown day or month of birth are served with 01, and as they are in idp_birthdate', () => {
    expect(identityClaims(citizen('étranger_présumé_né_jour'))).toMatchObject({
      birthdate: '1992-11-01',
      idp_birthdate: '1992-11-00',
      birthplace: '',
    });
    expect(identityClaims(citizen('étranger_présumé_né_jour_et_mois'))).toMatchObject({
      birthdate: '1992-01-01',
      idp_birthdate: '1992-00-00',
    });
  });

  test('keep their first names apart, spaces within one included', () => {
    expect(identityClaims(citizen('prénom_composé_avec_espace'))).toMatchObject({
      given_name: 'Jean Ignace Luc',
      given_name_array: ['Jean Ignace', 'Luc'],
    });
  });

  test('of a load test are distinct adults, the same each time', () => {
    const numbers = [
      1,
      2,
      3,
      21_900,
      21_901,
      9_999_999,
      10_000_000,
      ...Array.from({ length: 20_000 }, (_, i) => i * 499 + 5),
    ];
    const hashes = numbers.map((n) => identityHash(pivotIdentity(citizen(`citoyen-${n}`))));
    expect(new Set(hashes).size).toBe(new Set(numbers).size);
    for (const n of numbers.slice(0, 100)) {
      expect(citizen(`citoyen-${n}`).birthdate >= '1940-01-01').toBe(true);
      expect(citizen(`citoyen-${n}`).birthdate < '2000-01-01').toBe(true);
      expect(refusalOf(citizen(`citoyen-${n}`))).toBeUndefined();
    }
  });

  test('are listed on the login page by login and purpose, without names and birth dates', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await browser.get(service.authorizeUrl());
    await browser.submit();
    for (const { login, purpose, familyName, birthdate, givenNames } of service.franceConnect.citizens) {
      expect(browser.page.text).toContain(`${login} ${purpose}`);
      for (const secret of [familyName, birthdate, ...givenNames]) expect(browser.page.text).not.toContain(secret);
    }
  });

  test('can each log in, or are each refused with the code that the list announces', async () => {
    await using service = await RelyingParty.start();
    for (const { login, purpose } of service.franceConnect.citizens) {
      const code = /→ (Y\d{6})/.exec(purpose)?.[1];
      const browser = service.browser();
      await browser.get(service.authorizeUrl());
      await browser.submit();
      await browser.submit({ login, password: '123' });
      if (code === undefined) expect(browser.page.text, login).toContain('seront transmises');
      else expect(browser.page.text, login).toContain(`Code d’erreur : ${code}`);
    }
  });
});

describe('a refusal', () => {
  test('is a page; the service hears of it through the link back', async () => {
    await using service = await RelyingParty.start();
    const told = [
      { login: 'décédé', status: 403, error: 'access_denied', description: 'user authentication aborted' },
      { login: 'E010008', status: 403, error: 'access_denied', description: 'user authentication aborted' },
      { login: 'E010012', status: 502, error: 'server_error', description: 'due to a technical error' },
      { login: 'E010011', status: 504, error: 'temporarily_unavailable', description: 'due to a technical error' },
      { login: 'sans_mail', status: 400, error: 'server_error', description: 'due to a technical error' },
    ];
    for (const { login, status, error, description } of told) {
      const browser = service.browser();
      await browser.get(service.authorizeUrl());
      await browser.submit();
      await browser.submit({ login, password: '123' });
      expect(browser.page.status).toBe(status);
      await browser.follow('Revenir sur Paraphe');
      const { searchParams } = new URL(browser.page.url);
      expect(searchParams.get('error')).toBe(error);
      expect(searchParams.get('error_description')).toContain(description);
      expect(browser.jar.find('fc_session')).toBeUndefined();
    }
  });

  test('is no way round: the information page of a refused person leads back to the choice', async () => {
    await using service = await RelyingParty.start();
    const browser = service.browser();
    await browser.get(service.authorizeUrl());
    const start = browser.page.url;
    await browser.submit();
    await browser.submit({ login: 'décédé', password: '123' });
    await browser.visit(`${start}/information`);
    expect(browser.page.text).toContain('Choisissez un compte');
    await browser.post(`${start}/information`);
    expect(browser.page.text).toContain('Choisissez un compte');
  });
});
