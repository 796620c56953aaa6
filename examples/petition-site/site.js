/**
 * A petition site of its own: it shows one petition of a Paraphe gateway, sends people there to sign, verifies what comes
 * back offline, and keeps its own count beside the log's. Public packages and Paraphe's public interface, nothing else:
 * `express`, `openid-client`, `markdown-it` and `paraphe/verify`.
 */
import { randomUUID } from 'node:crypto';
import express from 'express';
import MarkdownIt from 'markdown-it';
import * as openid from 'openid-client';
import { ReceiptError, verifySiteReceipt } from 'paraphe/verify';

/**
 * @param {{ origin: string, issuer: string, clientId: string, clientSecret: string, petition: string }} settings where this
 *   site lives, what `paraphe site add` printed, and the slug of its petition
 */
export async function createSite({ origin, issuer, clientId, clientSecret, petition: slug }) {
  const gateway = new URL(issuer).origin;
  const redirectUri = `${origin}/callback`;
  const configuration = await openid.discovery(
    new URL(issuer),
    clientId,
    { id_token_signed_response_alg: 'ES256' },
    openid.ClientSecretBasic(clientSecret),
    { execute: issuer.startsWith('http:') ? [openid.allowInsecureRequests] : [] }, // the demonstration is on localhost
  );
  const figures = followCount(`${gateway}/api/petitions/${slug}/tally`);
  const petition = await (await fetch(`${gateway}/api/petitions/${slug}`)).json();

  /** What this site keeps: by pseudonym, so that one person counts once here too. In real life: a table. */
  const signatures = new Map();
  /** One for each browser that began something, named by a cookie. In real life: your framework's sessions. */
  const sessions = new Map();

  const site = express();
  site.disable('x-powered-by');

  site.get('/', async (req, res) => {
    const { message } = sessions.get(cookieOf(req)) ?? {};
    res.send(page({ petition, message, here: signatures.size, log: await figures() }));
  });

  site.post('/sign', async (_req, res) => {
    const details = [{ type: 'petition_signature', petition: petition.id }];
    await begin(res, { authorization_details: JSON.stringify(details) });
  });

  site.post('/login', (_req, res) => begin(res, {}));

  async function begin(res, more) {
    const visit = {
      verifier: openid.randomPKCECodeVerifier(),
      state: openid.randomState(),
      nonce: openid.randomNonce(),
    };
    const session = randomUUID();
    sessions.set(session, { visit });
    const url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: 'openid',
      state: visit.state,
      nonce: visit.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(visit.verifier),
      code_challenge_method: 'S256',
      ...more,
    });
    res.cookie('site', session, { httpOnly: true, sameSite: 'lax', secure: origin.startsWith('https:') });
    res.redirect(303, url.href);
  }

  site.get('/callback', async (req, res) => {
    const session = sessions.get(cookieOf(req));
    const visit = session?.visit;
    if (visit === undefined) return res.redirect(303, '/');
    delete session.visit; // a state serves once
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, new URL(req.originalUrl, origin), {
        pkceCodeVerifier: visit.verifier,
        expectedState: visit.state,
        expectedNonce: visit.nonce,
        idTokenExpected: true,
      });
      const { sub } = tokens.claims();
      session.message = await accept(tokens.authorization_details?.[0]?.receipt, sub);
    } catch (error) {
      session.message = explain(error);
    }
    res.redirect(303, '/');
  });

  /** Verifies a receipt without asking anybody: the gateway's keys were fetched once. */
  async function accept(receipt, sub) {
    if (receipt === undefined) return `Vous êtes connecté·e sous le pseudonyme ${sub.slice(0, 8)}….`;
    const { claims } = await verifySiteReceipt(receipt, { issuer, clientId, petition: petition.id });
    if (claims.statement !== petition.statement) throw new Error('the receipt is for another text');
    const isNew = !signatures.has(claims.sub);
    signatures.set(claims.sub, { receipt, account: sub });
    return isNew ? `Merci ! Votre signature du ${claims.day} est vérifiée.` : 'Vous aviez déjà signé : merci.';
  }

  return site;
}

/** What Paraphe answers instead of a code, in words of ours: `error_description` is for developers. */
const REFUSALS = {
  access_denied: 'Rien n’a été fait : vous avez renoncé, ou Paraphe vous a dit pourquoi ce n’est pas possible.',
  temporarily_unavailable: 'FranceConnect ne répond pas : réessayez dans quelques minutes.',
};

/** What went wrong, in words for a person. */
function explain(error) {
  if (error instanceof openid.AuthorizationResponseError) {
    return REFUSALS[error.error] ?? 'La demande n’a pas abouti : recommencez.';
  }
  if (error instanceof ReceiptError) return `Le reçu n’est pas valable (${error.code}).`;
  if (error instanceof openid.ClientError || error instanceof openid.ResponseBodyError) {
    return 'La connexion n’a pas abouti : recommencez.';
  }
  throw error;
}

/** The log's count, followed cheaply: the gateway answers 304 as long as nothing changed. */
function followCount(url) {
  let known = { etag: '', total: 0 };
  return async () => {
    const response = await fetch(url, { headers: known.etag === '' ? {} : { 'if-none-match': known.etag } });
    if (response.status === 200) {
      known = { etag: response.headers.get('etag') ?? '', total: (await response.json()).total };
    }
    return known.total;
  };
}

function cookieOf(req) {
  return /(?:^|; )site=([\w-]+)/.exec(req.headers.cookie ?? '')?.[1] ?? '';
}

/** A petition's text is Markdown without HTML or images. */
const markdown = new MarkdownIt({ html: false }).disable('image');

function page({ petition, message, here, log }) {
  const closed = petition.status === 'open' ? '' : ' disabled';
  return `<!doctype html>
<html lang="fr">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(petition.title)} – Ma ville participe</title>
<style>
  body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  button { font: inherit; padding: 0.6rem 1.2rem; } form { display: inline-block; margin: 0 0.5rem 0.5rem 0; }
  h1 { line-height: 1.25; } h2 { font-size: 1.2em; }
  [role=status] { padding: 0.8rem 1rem; background: #e3f2e6; color: #103c1c; }
</style>
<main>
  <p>Ma ville participe</p>
  <h1>${html(petition.title)}</h1>
  ${message === undefined ? '' : `<p role="status">${html(message)}</p>`}
  ${markdown.render(petition.text)}
  <form method="post" action="/sign"><button${closed}>Signer avec Paraphe</button></form>
  <form method="post" action="/login"><button>Se connecter avec Paraphe</button></form>
  <p>Signatures venues par ce site : <strong id="here">${here}</strong>. Au registre public : <strong id="log">${log}</strong>.</p>
</main>
</html>`;
}

function html(text) {
  return String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
