/**
 * What can be changed while the simulation runs: its clock, its honesty, and the health of the four endpoints that
 * a service's server calls. Tests hold the live object; the page at `/simulator` shows and sets the named part of it.
 */
import * as z from 'zod';
import type { Alterations } from './alterations.ts';
import { isLie, LIE_NAMES, type Lie } from './lies.ts';

export const ENDPOINTS = ['discovery', 'jwks', 'token', 'userinfo'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export const FAULTS = ['truncated', 'wrong-content-type', 'ten-megabytes', 'redirect-loop', 'hang'] as const;
export type Fault = (typeof FAULTS)[number];

type EndpointSwitches = {
  /** Milliseconds before the answer. */
  latency: number;
  /** Answers this HTTP status instead. */
  status: number | undefined;
  fault: Fault | undefined;
};

export type Switches = Record<Endpoint, EndpointSwitches> & {
  /** Seconds by which the platform's clock is ahead, in what it signs. */
  clockOffset: number;
  lie: Lie | undefined;
  /** Lies that have no name, told after the named one. */
  alterations: Alterations;
};

export function honestSwitches(): Switches {
  const healthy = (): EndpointSwitches => ({ latency: 0, status: undefined, fault: undefined });
  return {
    clockOffset: 0,
    lie: undefined,
    alterations: {},
    discovery: healthy(),
    jwks: healthy(),
    token: healthy(),
    userinfo: healthy(),
  };
}

const empty = z.literal('').transform(() => null);
const endpointState = z.strictObject({
  latency: z.coerce.number().int().min(0).max(600_000),
  status: z.union([empty, z.null(), z.coerce.number().int().min(200).max(599)]),
  fault: z.union([empty, z.null(), z.enum(FAULTS)]),
});

const state = z.strictObject({
  clockOffset: z.coerce.number().int().min(-86_400).max(86_400),
  lie: z.union([empty, z.null(), z.enum(LIE_NAMES)]),
  discovery: endpointState.partial(),
  jwks: endpointState.partial(),
  token: endpointState.partial(),
  userinfo: endpointState.partial(),
});

/** The part that has names, as JSON shows it. */
export type SwitchesState = Record<Endpoint, { latency: number; status: number | null; fault: Fault | null }> & {
  clockOffset: number;
  lie: Lie | null;
};

export function switchesState(switches: Switches): SwitchesState {
  const endpoint = (name: Endpoint) => ({
    latency: switches[name].latency,
    status: switches[name].status ?? null,
    fault: switches[name].fault ?? null,
  });
  return {
    clockOffset: switches.clockOffset,
    lie: switches.lie ?? null,
    discovery: endpoint('discovery'),
    jwks: endpoint('jwks'),
    token: endpoint('token'),
    userinfo: endpoint('userinfo'),
  };
}

/** Sets what is named and leaves the rest; `false`, and nothing is set, when a name or a value is unknown. */
export function setSwitches(switches: Switches, wanted: unknown): boolean {
  const parsed = state.partial().safeParse(wanted);
  if (!parsed.success) return false;
  const { clockOffset, lie, ...endpoints } = parsed.data;
  if (clockOffset !== undefined) switches.clockOffset = clockOffset;
  if (lie !== undefined) switches.lie = lie !== null && isLie(lie) ? lie : undefined;
  for (const name of ENDPOINTS) {
    const { latency, status, fault } = endpoints[name] ?? {};
    if (latency !== undefined) switches[name].latency = latency;
    if (status !== undefined) switches[name].status = status ?? undefined;
    if (fault !== undefined) switches[name].fault = fault ?? undefined;
  }
  return true;
}
