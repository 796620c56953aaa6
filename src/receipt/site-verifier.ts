/**
 * What a petition site does with a receipt: accept those that were issued to it alone, offline, and ask the gateway when it
 * wants to know whether a signature still counts. Nothing of a web framework is needed; the middleware fits Express and
 * whatever calls `(req, res, next)`.
 */
import type { JSONWebKeySet } from 'jose';
import { ReceiptError } from './receipt-error.ts';
import { type VerifiedReceipt, verifyReceipt } from './verify-receipt.ts';

export type SiteOptions = {
  /** The gateway: its origin, or its OpenID issuer (`<origin>/oidc`), whichever is at hand. */
  issuer: string;
  /** Your own client id. A receipt that was issued to anyone else is refused. */
  clientId: string;
  /** The id of the petition that you expect; without it, any. */
  petition?: string;
  /** The gateway's keys; without them they are fetched once and cached, and again for a key that is not among them. */
  jwks?: JSONWebKeySet;
};

/**
 * Verifies a receipt that your site got in a token response.
 * @throws ReceiptError with a stable `code`, `wrong-audience` for a receipt of another site or of none
 */
export function verifySiteReceipt(receipt: string, options: SiteOptions): Promise<VerifiedReceipt> {
  const { clientId, petition, jwks } = options;
  if (typeof clientId !== 'string' || clientId === '') throw new TypeError('clientId is your own client id');
  return verifyReceipt(receipt, {
    issuer: originOf(options.issuer),
    audience: clientId,
    ...(petition === undefined ? {} : { petition }),
    ...(jwks === undefined ? {} : { jwks }),
  });
}

export type SignatureStatus = {
  state: 'active' | 'withdrawn' | 'invalidated' | 'unknown';
  /** The last entry of the log about it. */
  index: number | null;
};

/**
 * What has become of a signature since its receipt, as the published log tells it: up to a publication late (a second,
 * unless the gateway says otherwise), and then `unknown`.
 * @param petition its slug
 * @throws ReceiptError `status-unavailable`
 */
export async function fetchSignatureStatus(
  { issuer, petition, nym }: { issuer: string; petition: string; nym: string },
  fetcher: typeof fetch = fetch,
): Promise<SignatureStatus> {
  const path = `/api/petitions/${encodeURIComponent(petition)}/signatures/${encodeURIComponent(nym)}`;
  try {
    const response = await fetcher(new URL(path, originOf(issuer)), { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new ReceiptError('status-unavailable', `HTTP ${response.status}`);
    const { state, index } = (await response.json()) as SignatureStatus;
    return { state, index };
  } catch (error) {
    if (error instanceof ReceiptError) throw error;
    throw new ReceiptError('status-unavailable', error instanceof Error ? error.message : String(error));
  }
}

type Answer = { statusCode: number; setHeader(name: string, value: string): unknown; end(body: string): unknown };

/**
 * Express middleware: lets a request through when it brings a receipt that was issued to you, which it leaves in
 * `request.receipt`; answers 401 (503 when the keys are out of reach) with problem+json and the verifier's `code` otherwise.
 * @param read where the receipt is: in a session, a header, a body
 */
export function requireReceipt<Request extends object>(
  options: SiteOptions & { read(request: Request): string | undefined },
): (
  request: Request & { receipt?: VerifiedReceipt },
  response: Answer,
  next: (error?: unknown) => void,
) => Promise<void> {
  return async (request, response, next) => {
    try {
      request.receipt = await verifySiteReceipt(options.read(request) ?? '', options);
    } catch (error) {
      if (!(error instanceof ReceiptError)) return next(error);
      response.statusCode = error.code === 'keys-unavailable' ? 503 : 401;
      response.setHeader('Content-Type', 'application/problem+json');
      const problem = { type: 'about:blank', title: 'No valid receipt', status: response.statusCode, code: error.code };
      response.end(JSON.stringify(problem));
      return;
    }
    next();
  };
}

function originOf(issuer: string): string {
  return issuer.replace(/\/oidc$/, '');
}
