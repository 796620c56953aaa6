/** Petition sites and their people: they fetch codes and redeem them, and cost the provider's process nothing but the answers. */
import { createHash, randomBytes } from 'node:crypto';
import { answer } from '../part.ts';
import type { Served } from './site-provider.ts';

const REDIRECT_URI = 'https://participe.example.org/callback';
type Code = { readonly code: string; readonly verifier: string };

answer({
  codes: ({ served, count, parallel }: { served: Served; count: number; parallel: number }) =>
    inParallel(count, parallel, () => fetchCode(served)),

  redeem: ({ served, codes, parallel }: { served: Served; codes: readonly Code[]; parallel: number }) => {
    const left = [...codes];
    return inParallel(codes.length, parallel, async () => {
      const next = left.pop();
      if (next !== undefined) await redeem(served, next);
    });
  },
});

async function inParallel<T>(count: number, parallel: number, act: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let begun = 0;
  const work = async () => {
    while (begun++ < count) results.push(await act());
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
}

/** From the request to the code: three redirects with their cookies. */
async function fetchCode({ port, id }: Served): Promise<Code> {
  const verifier = randomBytes(32).toString('base64url');
  const parameters = {
    client_id: id,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT_URI,
    state: randomBytes(16).toString('hex'),
    nonce: randomBytes(16).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };
  let url = new URL(`http://localhost:${port}/oidc/auth?${new URLSearchParams(parameters)}`);
  const cookies = new Map<string, string>();
  for (let steps = 0; steps < 5; steps++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    await response.arrayBuffer();
    for (const header of response.headers.getSetCookie()) {
      const [name = '', value = ''] = header.split(';', 1)[0]?.split('=') ?? [];
      cookies.set(name, value);
    }
    url = new URL(response.headers.get('location') ?? '', url);
    const code = url.searchParams.get('code');
    if (code !== null) return { code, verifier };
    if (url.searchParams.has('error')) throw new Error(url.search);
  }
  throw new Error(`no code: ${url}`);
}

async function redeem({ port, id, secret }: Served, { code, verifier }: Code): Promise<void> {
  const response = await fetch(`http://localhost:${port}/oidc/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT_URI,
      code_verifier: verifier,
    }),
  });
  const answered = await response.text();
  if (response.status !== 200) throw new Error(answered);
}
