/** A JWS whose signature begins with another letter: canonical base64url still, and never the signature that it was. */
export function withAnotherSignature(jws: string): string {
  const at = jws.lastIndexOf('.') + 1;
  return `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`;
}
