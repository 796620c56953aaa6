/**
 * EDGE: a witness over HTTP, its submission and its monitoring prefix being one. Two routes need no framework.
 * Nothing of a request is kept but what a log signed; no address is logged.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Diagnostics, describeError } from '../diagnostics.ts';
import { formatSize, parseSubmission, SIZE_TYPE } from '../tlog/witness.ts';
import type { Witness } from './witness.ts';

/** A checkpoint with sixteen ML-DSA signatures, its proof, and as much again. */
const MOST_BYTES = 128 * 1024;
const TEXT = 'text/plain; charset=utf-8';

export function witnessServer(witness: Witness, diagnostics: Diagnostics): RequestListener {
  return (request, response) => {
    route(witness, diagnostics, request, response).catch((error: unknown) => {
      if (!request.complete) return; // its sender went away
      diagnostics.error(describeError(error), 'a request failed');
      if (!response.headersSent) answer(response, 500, 'the witness cannot answer now\n');
    });
  };
}

async function route(
  witness: Witness,
  diagnostics: Diagnostics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').slice(1);
  const wanted = path === 'add-checkpoint' ? 'POST' : 'GET';
  if (request.method !== wanted) {
    response.setHeader('Allow', wanted);
    return answer(response, 405, `${wanted} only\n`);
  }
  if (wanted === 'POST') return addCheckpoint(witness, diagnostics, request, response);
  const note = witness.latest(path);
  if (note === undefined) return answer(response, 404, 'no such checkpoint\n');
  response.setHeader('Cache-Control', 'no-cache');
  answer(response, 200, note);
}

async function addCheckpoint(
  witness: Witness,
  diagnostics: Diagnostics,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) return answer(response, 413, `at most ${MOST_BYTES} bytes\n`);
  const verdict = await witness.addCheckpoint(body);
  if (verdict.status === 200) return answer(response, 200, verdict.cosignatures);
  if (verdict.status === 409) return answer(response, 409, formatSize(verdict.size), SIZE_TYPE);
  // The log signed it, and it may be the proof that the log shows different trees to different people.
  if (verdict.status === 422) {
    const { checkpoint } = parseSubmission(body);
    diagnostics.error(
      { reason: verdict.reason, checkpoint },
      'a log signed what does not follow from what was cosigned',
    );
  }
  answer(response, verdict.status, `${verdict.reason}\n`);
}

/** The whole body, or `undefined` when it is too large. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function answer(response: ServerResponse, status: number, body: string, type = TEXT): void {
  response.writeHead(status, { 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' }).end(body);
}
