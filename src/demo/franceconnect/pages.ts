/** FranceConnect's pages, as the simulation shows them: French, plain HTML, no script, nothing from elsewhere. */
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { Eta } from 'eta';
import { type Citizen, GENERATED_CITIZENS } from './citizens.ts';
import { refusalOf } from './rnipp.ts';
import type { Endpoint, Fault, SwitchesState } from './switches.ts';

const VIEWS = path.join(import.meta.dirname, '..', '..', '..', 'views', 'franceconnect');
const templates = new Eta({ views: VIEWS, cache: true });

export const STYLE_PATH = '/style.css';
export const style = readFileSync(path.join(VIEWS, 'style.css'), 'utf8');

/** A link back to the service, where there is one to go back to. */
type Back = { name: string; href: string };

type PageModels = {
  choice: { back: Back; action: string };
  login: {
    back: Back;
    action: string;
    login: string;
    wrong: boolean;
    accepted: readonly Citizen[];
    refused: readonly Citizen[];
    generated: number;
  };
  information: { back: Back; action: string; login: string; data: readonly string[] };
  error: { title: string; message: string; code: string | undefined; back: Back | undefined };
  'logged-out': Record<string, never>;
  simulator: {
    state: SwitchesState;
    lies: readonly string[];
    endpoints: readonly Endpoint[];
    faults: readonly Fault[];
    saved: boolean;
  };
};

export type Page = { [Name in keyof PageModels]: { name: Name; model: PageModels[Name] } }[keyof PageModels];

export function renderPage(page: Page): string {
  return templates.render(page.name, page.model);
}

type LoginModel = Omit<PageModels['login'], 'accepted' | 'refused' | 'generated'> & { citizens: readonly Citizen[] };

export function loginPage({ citizens, ...model }: LoginModel): Page {
  const accepted = citizens.filter((citizen) => refusalOf(citizen) === undefined);
  const refused = citizens.filter((citizen) => refusalOf(citizen) !== undefined);
  return { name: 'login', model: { ...model, accepted, refused, generated: GENERATED_CITIZENS } };
}

type ErrorModel = { title?: string; message?: string; code?: string | undefined; back?: Back };

export function errorPage({ title = NOT_LOGGED_IN, message = TECHNICAL_ERROR, code, back }: ErrorModel): Page {
  return { name: 'error', model: { title, message, code, back } };
}

const NOT_LOGGED_IN = 'La connexion n’a pas abouti';
export const TECHNICAL_ERROR =
  'Une erreur technique est survenue, fermez l’onglet de votre navigateur et reconnectez-vous.';

/**
 * The headers of every page. `form-action` names the services' origins, because browsers hold the redirect that follows a
 * form against it; the referrer stays inside, and lets `Origin` through on our own forms.
 */
export function pageHeaders(formTargets: readonly string[]): Record<string, string> {
  return {
    'content-security-policy': `default-src 'none'; style-src 'self'; form-action 'self' ${formTargets.join(' ')}; base-uri 'none'; frame-ancestors 'none'`,
    'cache-control': 'no-store',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
  };
}

export type SendPage = (response: ServerResponse, status: number, page: Page) => void;

export function pageSender(formTargets: readonly string[]): SendPage {
  const headers = { ...pageHeaders(formTargets), 'content-type': 'text/html; charset=utf-8' };
  return (response, status, page) => {
    response.writeHead(status, headers).end(renderPage(page));
  };
}
