/** What somebody holds of a signature, told apart by content: a name can be anything. */

/** `receipt.jwt`, `receipt.tlog-proof`, or both; at least one of them. */
export type ReceiptFiles = { readonly jwt?: string; readonly proof?: Uint8Array };

/** In bytes. A receipt has less than a thousand, a proof a few thousand with many witnesses. */
export const LARGEST_FILE = 262_144;

/** What can be checked, or why nothing can be: `unreadable` is neither of the two, `many` is two of one kind. */
export function recognise(files: readonly Uint8Array[]): ReceiptFiles | 'unreadable' | 'many' {
  const found: { jwt?: string; proof?: Uint8Array } = {};
  for (const bytes of files) {
    const text = bytes.length > LARGEST_FILE ? '' : new TextDecoder().decode(bytes).trim();
    const isProof = text.startsWith('c2sp.org/tlog-proof@');
    if (!isProof && !/^[\w-]+\.[\w-]+\.[\w-]*$/.test(text)) return 'unreadable';
    if (found[isProof ? 'proof' : 'jwt'] !== undefined) return 'many';
    if (isProof) found.proof = bytes;
    else found.jwt = text;
  }
  return files.length === 0 ? 'unreadable' : found;
}
