/**
 * What a person sees: choice of an identity provider, login there, the check of the identity, the information page.
 * A live session goes straight to the last one (FranceConnect low lets eidas1 sessions sign on). Each page is one
 * form with one button and a link back to the service; no page needs a script.
 */
import express, { type Request, type Response, type Router } from 'express';
import type { Provider } from 'oidc-provider';
import { ExpiringMap } from './adapter.ts';
import { type Citizen, type FindCitizen, PASSWORD } from './citizens.ts';
import { type Client, grantedScopes, type Rules } from './clients.ts';
import { errorPage, loginPage, type SendPage } from './pages.ts';
import { SESSION_SECONDS } from './provider.ts';
import { type Refused, refusalOf } from './rnipp.ts';
import { PLATFORM_ACR } from './rules.ts';
import { transmittedData } from './scopes.ts';

export type InteractionDeps = {
  provider: () => Provider;
  citizens: readonly Citizen[];
  findCitizen: FindCitizen;
  clients: readonly Client[];
  rules: Rules;
  origins: readonly string[];
  sendPage: SendPage;
};

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Stage = { login: string } | { refused: Refused };

export function interactionPages(deps: InteractionDeps): Router {
  const { provider, citizens, findCitizen, rules, sendPage } = deps;
  const stages = new ExpiringMap<Stage>();
  const router = express.Router({ mergeParams: true });
  const form = express.urlencoded({ extended: false, limit: '10kb' });

  const journey = async (request: Request, response: Response) => {
    const interaction = await provider().interactionDetails(request, response);
    const client = clientOf(interaction, deps.clients);
    const base = `${request.baseUrl}/${interaction.uid}`;
    return { interaction, client, base, back: { name: client.name, href: `${base}/cancel` } };
  };

  /** Who is logged in at this point: in this journey, or in a live session. */
  const loginOf = (interaction: Interaction): string | undefined => {
    const stage = stages.get(interaction.uid);
    if (stage !== undefined) return 'login' in stage ? stage.login : undefined;
    const signOn = rules === 'franceconnect' || interaction.prompt.name !== 'login';
    return signOn ? interaction.session?.accountId : undefined;
  };

  const sendInformation = (response: Response, login: string, { interaction, client, base, back }: Journey) => {
    const data = transmittedData(scopesOf(interaction, client));
    sendPage(response, 200, { name: 'information', model: { back, action: `${base}/information`, login, data } });
  };
  type Journey = Awaited<ReturnType<typeof journey>>;

  router.use((request, response, next) => {
    const { origin } = request.headers;
    if (request.method === 'POST' && origin !== undefined && !deps.origins.includes(origin)) {
      return sendPage(response, 403, errorPage({ code: 'Y470002' }));
    }
    next();
  });

  router.get('/:uid', async (request, response) => {
    const current = await journey(request, response);
    const login = loginOf(current.interaction);
    if (login !== undefined) return sendInformation(response, login, current);
    sendPage(response, 200, { name: 'choice', model: { back: current.back, action: current.base } });
  });

  router.post('/:uid', async (request, response) => {
    const { base } = await journey(request, response);
    response.redirect(303, `${base}/login`);
  });

  router.get('/:uid/login', async (request, response) => {
    const { base, back } = await journey(request, response);
    const action = `${base}/login`;
    sendPage(response, 200, loginPage({ back, action, login: '', wrong: false, citizens }));
  });

  router.post('/:uid/login', form, async (request, response) => {
    const { interaction, base, back } = await journey(request, response);
    const { login, password } = credentials(request);
    const citizen = findCitizen(login);
    if (citizen === undefined || password !== PASSWORD) {
      return sendPage(response, 422, loginPage({ back, action: `${base}/login`, login, wrong: true, citizens }));
    }
    const refused = refusalOf(citizen);
    if (refused === undefined) {
      stages.set(interaction.uid, { login: citizen.login }, SESSION_SECONDS);
      return response.redirect(303, `${base}/information`);
    }
    stages.set(interaction.uid, { refused }, SESSION_SECONDS);
    sendPage(response, refused.status, errorPage({ code: refused.code, message: refused.message, back }));
  });

  router.get('/:uid/information', async (request, response) => {
    const current = await journey(request, response);
    const login = loginOf(current.interaction);
    if (login === undefined) return response.redirect(303, current.base);
    sendInformation(response, login, current);
  });

  router.post('/:uid/information', async (request, response) => {
    const { interaction, client, base } = await journey(request, response);
    const login = loginOf(interaction);
    if (login === undefined) return response.redirect(303, base);
    const authenticated = await authenticate(provider(), request, response, login);
    const grant = new (provider().Grant)({ accountId: login, clientId: client.clientId });
    grant.addOIDCScope(scopesOf(interaction, client).join(' '));
    interaction.result = { login: authenticated, consent: { grantId: await grant.save() } };
    await interaction.persist();
    stages.delete(interaction.uid);
    response.clearCookie('fc_interaction', { path: base });
    response.redirect(303, interaction.returnTo);
  });

  router.get('/:uid/cancel', async (request, response) => {
    const { interaction } = await journey(request, response);
    const stage = stages.get(interaction.uid);
    const result =
      stage !== undefined && 'refused' in stage
        ? { error: stage.refused.error, error_description: stage.refused.errorDescription }
        : { error: 'access_denied', error_description: 'User auth aborted' };
    stages.delete(interaction.uid);
    await provider().interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  });

  return router;
}

function clientOf(interaction: Interaction, clients: readonly Client[]): Client {
  const client = clients.find(({ clientId }) => clientId === interaction.params.client_id);
  if (client === undefined) throw new TypeError('the engine checks the client before an interaction');
  return client;
}

/** The scopes asked for that the service may have; unknown ones are ignored. */
function scopesOf(interaction: Interaction, client: Client): string[] {
  const granted = grantedScopes(client);
  return String(interaction.params.scope)
    .split(' ')
    .filter((scope) => granted.includes(scope));
}

function credentials(request: Request): { login: string; password: string } {
  const body: unknown = request.body;
  const fields = typeof body === 'object' && body !== null ? body : {};
  const login = 'login' in fields && typeof fields.login === 'string' ? fields.login : '';
  const password = 'password' in fields && typeof fields.password === 'string' ? fields.password : '';
  return { login, password };
}

/**
 * The login as the engine takes it. The time of a live session's login is kept. Where somebody else is logged in, in
 * another tab of the same browser, that person is logged out first: the engine would show a form that needs a script.
 */
async function authenticate(provider: Provider, request: Request, response: Response, login: string) {
  const session = await provider.Session.get(provider.createContext(request, response));
  const known = session.accountId === login ? session.loginTs : undefined;
  if (session.accountId !== undefined && session.accountId !== login) {
    session.accountId = undefined;
    session.authorizations = undefined;
    await session.persist();
  }
  return { accountId: login, acr: PLATFORM_ACR, ts: known ?? Math.floor(Date.now() / 1000) };
}
