/** The receipt's page and its two files, behind a sealed address that needs no cookie. */
import type { Request, RequestHandler, Response } from 'express';
import { parisDay } from '../../clock.ts';
import { Refusal } from '../../errors.ts';
import { statusOf } from '../../petitions/petition.ts';
import { aboutOf, pageContext, sendPage } from '../answer.ts';
import type { WebDependencies } from '../dependencies.ts';
import { getPetition } from '../get-petition.ts';
import { departmentName } from '../present.ts';
import { receiptOf } from './finish.ts';

export function receiptPage(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const { petition, signature, expires } = await openReceipt(deps, req, res);
    const { lang } = pageContext(deps, req, undefined);
    const isActive = signature.state === 'active';
    const capability = String(req.params.capability);
    const here = `/petitions/${petition.slug}/receipt/${capability}`;
    aboutOf(res).path = here;
    const code = signature.nym.slice(0, 8);
    const department = signature.department && `${signature.department} ${departmentName(signature.department, lang)}`;
    const untilHour = deps.pages.speechOf(lang).time(expires);
    const model = {
      petition: { slug: petition.slug, title: petition.statement.title },
      state: signature.state,
      open: statusOf(petition, parisDay(deps.clock())) === 'open',
      day: signature.day,
      department,
      nym: signature.nym,
      code,
      receiptHref: isActive ? `${here}/receipt.jwt` : undefined,
      proofHref: isActive ? `${here}/receipt.tlog-proof` : undefined,
      withdrawAction: isActive && petition.destroyed === undefined ? `/petitions/${petition.slug}/withdraw` : undefined,
      expires: untilHour,
    };
    sendPage(deps, req, res, 'receipt', model, { own: [capability, signature.nym, code, untilHour, department ?? ''] });
  };
}

export function receiptFile(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const { petition, signature } = await openReceipt(deps, req, res);
    if (signature.state !== 'active') throw new Refusal('receipt-withdrawn');
    const receipt = receiptOf(deps, { petition, signature });
    sendFile(res, 'application/jwt', 'receipt.jwt', receipt);
  };
}

/** The entry, its place in the log and the signed checkpoint that holds it, to be verified without us. */
export function proofFile(deps: WebDependencies): RequestHandler {
  return async (req, res) => {
    const { signature } = await openReceipt(deps, req, res);
    if (signature.state !== 'active') throw new Refusal('receipt-withdrawn');
    sendFile(res, 'text/plain; charset=utf-8', 'receipt.tlog-proof', await deps.log.proof(signature.index));
  };
}

function sendFile(res: Response, type: string, name: string, content: string): void {
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', type);
  res.setHeader('Content-Disposition', `attachment; filename="${name}"`);
  res.end(content);
}

/** @throws Refusal `petition-unknown`, `receipt-link-invalid`, `receipt-link-expired` */
async function openReceipt(deps: WebDependencies, req: Request, res: Response) {
  const petition = await getPetition(deps, req.params.slug);
  aboutOf(res).petition = petition;
  const link = deps.links.open(String(req.params.capability));
  const signature =
    link.petition === petition.id
      ? await deps.signatures.findByEntry(link.index, await deps.log.sealedSize())
      : undefined;
  if (signature === undefined) throw new Refusal('receipt-link-invalid');
  return { petition, signature, expires: link.expires };
}
