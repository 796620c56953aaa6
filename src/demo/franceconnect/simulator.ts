/**
 * The page that shows and sets the switches, for a person (a form) or a program (JSON):
 *
 *   GET  /simulator                            the form, or with `Accept: application/json` the state
 *   POST /simulator  {"lie": "id-token-sig-none"}              sets what is named, leaves the rest; null puts at rest
 *   POST /simulator  {"rotate": {"sameKid": true}}             new signing keys
 *
 * A page of another origin can not post here.
 */
import express, { type Request, type Response, type Router } from 'express';
import * as z from 'zod';
import type { Rotation } from './keys.ts';
import { LIE_NAMES } from './lies.ts';
import { errorPage, type SendPage } from './pages.ts';
import { ENDPOINTS, FAULTS, type Switches, setSwitches, switchesState } from './switches.ts';

export type SimulatorDeps = {
  switches: Switches;
  rotateKeys: (rotation: Rotation) => Promise<void>;
  origins: readonly string[];
  sendPage: SendPage;
};

const rotation = z.strictObject({ sameKid: z.boolean().optional(), keepOld: z.boolean().optional() });

/** The form's words for a rotation. */
const ROTATIONS: Record<string, Rotation> = {
  '': {},
  'new-kid': {},
  'new-kid-keep-old': { keepOld: true },
  'same-kid': { sameKid: true },
};

const REFUSED = { title: 'Réglage refusé' };

export function simulatorPage({ switches, rotateKeys, origins, sendPage }: SimulatorDeps): Router {
  const router = express.Router();

  const show = (request: Request, response: Response, saved: boolean) => {
    const state = switchesState(switches);
    if (request.accepts('html', 'json') === 'json') response.json(state);
    else
      sendPage(response, 200, {
        name: 'simulator',
        model: { state, lies: LIE_NAMES, endpoints: ENDPOINTS, faults: FAULTS, saved },
      });
  };

  router.get('/', (request, response) => show(request, response, false));

  router.post('/', express.json(), express.urlencoded({ extended: false }), async (request, response) => {
    const { origin } = request.headers;
    if (origin !== undefined && !origins.includes(origin)) {
      return sendPage(response, 403, errorPage({ ...REFUSED, message: 'Cette demande vient d’un autre site.' }));
    }
    const { rotate, ...wanted } = request.is('json') ? fields(request.body) : nested(fields(request.body));
    const asked = typeof rotate === 'string' ? ROTATIONS[rotate] : rotation.safeParse(rotate ?? {}).data;
    if (asked === undefined || !setSwitches(switches, wanted)) {
      return sendPage(response, 400, errorPage({ ...REFUSED, message: 'Ce réglage n’existe pas.' }));
    }
    if (rotate !== undefined && rotate !== '') await rotateKeys(asked);
    show(request, response, true);
  });

  return router;
}

function fields(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? { ...body } : {};
}

/** `token.latency=5` of a form becomes `{token: {latency: '5'}}`. */
function nested(flat: Record<string, unknown>): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(flat)) {
    const [group = '', key] = name.split('.');
    tree[group] = key === undefined ? value : { ...fields(tree[group]), [key]: value };
  }
  return tree;
}
