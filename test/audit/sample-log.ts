/** A small log of every kind of entry, and larger ones, with what an audit of them must say. */

import { type AuditRequest, audit, type Source, trustLog } from '../../src/audit/audit.ts';
import { type Day, dayFromNumber } from '../../src/clock.ts';
import type { Entry } from '../../src/log/entry.ts';
import { type Nym, nymFromBytes } from '../../src/person/nym.ts';
import { exportedLog, hashOf, type LogFiles } from '../fakes/exported-log.ts';
import { bytesOf, sha256, testKey, verifyEd25519 } from '../tlog/crypto.ts';

export const KEY = testKey('petitions.example.org/log', 7);
export const ROSES = '01m7k8m0n1ew6076n6rar3zv8a';
export const BREAD = '01m7k8m0n1ew6076n6rar3zv8b';
export const STATEMENTS = ['Roses\n\nOne in every schoolyard.', 'Bread\n\nFor everyone.'];
export const JWKS = '{"keys":[]}';
export const DAY = '2026-11-21' as Day;

export function nymOf(name: string | number): Nym {
  return nymFromBytes(sha256(bytesOf(String(name))));
}

export function opened(petition: string, statement = STATEMENTS[0]!, departments = true): Entry {
  const rules = {
    issuer: 'https://idp.example',
    client_id: 'é',
    acr: 'eidas1',
    min_age: 18,
    closes: null,
    board: null,
  };
  return {
    kind: 'petition-opened',
    petition,
    statement: hashOf(statement),
    nym_key: nymOf('key'),
    ...rules,
    departments,
    day: DAY,
  };
}

export function signed(name: string | number, petition = ROSES, department: string | null = '75', day = DAY): Entry {
  return { kind: 'signed', petition, nym: nymOf(name), department, evidence: nymOf(`evidence of ${name}`), day };
}

export const withdrawn = (name: string, petition = ROSES): Entry => ({
  kind: 'withdrawn',
  petition,
  nym: nymOf(name),
  evidence: null,
  day: DAY,
});

export const SMALL: readonly Entry[] = [
  { kind: 'identity-keys', issuer: 'https://idp.example', jwks: hashOf(JWKS), day: DAY },
  opened(ROSES),
  signed('Louise'),
  signed('Ahmed', ROSES, '2A'),
  signed('Sam', ROSES, null),
  withdrawn('Sam'),
  { kind: 'invalidated', petition: ROSES, nym: nymOf('Ahmed'), ground: 'court', day: DAY },
  { kind: 'case-opened', case: 'c'.repeat(64), purpose: 'audit-sample', records: 3, day: DAY },
];

export function largeLog(size: number): Entry[] {
  const entries: Entry[] = [opened(ROSES), opened(BREAD, STATEMENTS[1], false)];
  for (let i = 2; i < size; i++) {
    const day = dayFromNumber(20_800 + Math.floor(i / 1000));
    entries.push(i % 3 === 0 ? signed(i, BREAD, null, day) : signed(i, ROSES, i % 2 ? '75' : '974', day));
  }
  return entries;
}

/** With the statements that it opens. */
export function exported(entries: readonly (Entry | Uint8Array)[], key = KEY): Promise<LogFiles> {
  const named = entries.flatMap((entry) => ('statement' in entry ? [entry.statement] : []));
  const statements = STATEMENTS.filter((text) => named.includes(hashOf(text)));
  return exportedLog(entries, { key, statements, jwks: [JWKS] });
}

export function sourceOf(files: LogFiles): Source {
  return { read: async (path) => files.get(path) };
}

export const TOOLS = { sha256, verify: verifyEd25519, seed: 7 };

/** Audits files in memory, trusting the key above. */
export async function auditFiles(files: LogFiles, more: Partial<AuditRequest> = {}) {
  return audit({ source: sourceOf(files), policy: trustLog(KEY.key), tools: TOOLS, gateway: false, ...more });
}
