/** What the server extension tells: the service's own types, and what is added on the way. */
import type { components } from './api';
import type { Run, Workflow } from './runs/types';

type Schemas = components['schemas'];

/** A library whose version differs between the session and the backend; '' is none. */
export interface Mismatch {
  library: string;
  here: string;
  there: string;
}

/** One cluster, as the service's API shows it, and what doesn't fit as the session has it. Some is
 * missing from what an older service answers. */
export type Backend = Omit<Schemas['Backend'], Newer> &
  Partial<Pick<Schemas['Backend'], Newer>> & { mismatches?: readonly Mismatch[] };
type Newer = 'facts' | 'run' | 'reservations';
export type Phase = Schemas['Phase'];
export type Share = Schemas['Share'];
export type Resources = Schemas['Resources'];
export type Limits = Schemas['Limits'];
/** Some is missing from what an older service answers. */
export type Me = Omit<Schemas['Me'], Later> & Partial<Pick<Schemas['Me'], Later>>;
type Later = 'session' | 'executors' | 'homes';
/** `kinds` is missing from what an older service answers. */
export type Catalogue = Omit<Schemas['OfferedCatalogue'], 'kinds'> &
  Partial<Pick<Schemas['OfferedCatalogue'], 'kinds'>>;
export type Profile = Schemas['OfferedProfile'];
export type OfferedKind = Schemas['OfferedKind'];
export type Patch = Schemas['Patch'];
export type Chosen = Schemas['Chosen'];

/** Sent to launch a backend. What is absent is decided by the profile. */
export type Launch = Partial<Schemas['Launch']> & { kind: string };

/** Backends that come and go, and workflows that are submitted, by the clock. */
export type Schedule = Schemas['Schedule'];
/** Sent to make one: times as people write them, in a zone. */
export interface NewSchedule {
  name: string;
  launch?: Launch;
  /** Instead: what `POST runs` takes. */
  submit?: { workflow: Workflow; executor?: string };
  /** Once; instead of days and from. */
  at?: string;
  days?: string;
  from?: string;
  to?: string;
  zone: string;
}

/** A problem document (RFC 9457): what is wrong, and what to do about it. */
export type Problem = Pick<Schemas['Problem'], 'detail' | 'remedy'> & Partial<Schemas['Problem']>;

/** Milliseconds since 1970, cores in use, bytes of memory in use. */
export type Sample = [time: number, cpu: number, memory: number];

/** What the server extension knows at one moment. */
export interface State {
  epoch: string;
  sequence: number;
  /** Whether the server extension hears from the service. */
  connected: boolean;
  /** Why not. */
  problem: Problem | null;
  /** Name of this session: '' is the default one, null is none. */
  session: string | null;
  user: string;
  /** Whether the service runs within this server, without a hub. */
  alone: boolean;
  /** Base URL of the hub; '' where there is none. */
  hub: string;
  backends: (Backend & { history: Sample[] })[];
  /** Missing, or null, where the service knows no runs. */
  runs?: Run[] | null;
}

/** What the server extension emits as a Jupyter event. */
export type Change = { epoch: string; sequence: number } & (
  | { type: 'changed'; backend: Backend; sample: Sample | null }
  | { type: 'removed'; id: string }
  | { type: 'run'; run: Run }
  | { type: 'run-removed'; id: string }
  | { type: 'schedules' }
  | { type: 'state'; connected: boolean; problem: Problem | null }
  | { type: 'reset' }
);

export const SCHEMA = 'https://schema.jupyter.org/alongside/backends/v1';

const ENDED: ReadonlySet<Phase> = new Set<Phase>(['stopped', 'failed']);
const USABLE: ReadonlySet<Phase> = new Set<Phase>(['running', 'scaling']);

/** Nothing of it runs any more. */
export function ended(backend: Backend): boolean {
  return ENDED.has(backend.phase);
}

/** A client can connect to it. */
export function usable(backend: Backend): boolean {
  return USABLE.has(backend.phase);
}
