/** Backends as the service writes them, for tests of what shows them. */
import type { Kind } from '../src/kinds';
import type { Backend, Sample } from '../src/model';

export const DASK: Kind = { title: 'Dask cluster', member: 'worker', scaling: 'live' };
export const ARKOUDA: Kind = {
  title: 'Arkouda locale group',
  member: 'locale',
  scaling: 'relaunch'
};

/** The present of these tests. */
export const NOW = Date.parse('2026-03-01T12:00:00Z');

export function minutes(count: number): string {
  return new Date(NOW + count * 60_000).toISOString();
}

const GIB = 2 ** 30;

export function backendOf(over: Partial<Backend> = {}): Backend {
  return {
    id: 'etl-1',
    name: 'etl',
    kind: 'dask',
    platform: 'local',
    profile: 'small',
    owner: 'ann',
    session: '',
    options: { workers: 4, cores: 2, memory: '4 GiB' },
    resources: { backends: 1, workers: 4, cores: 8, memory: 16 * GIB, gpus: 0 },
    lifetime: { idle: '30 min', maximum: '8 h' },
    keep: false,
    shares: [],
    created: minutes(-60),
    phase: 'running',
    reason: '',
    message: '',
    remedy: '',
    ready: 4,
    wanted: 4,
    started: minutes(-59),
    ended: null,
    idle_since: null,
    needed: null,
    expires: minutes(420),
    usage: { cpu: 4, memory: 8 * GIB },
    stages: [],
    roles: ['scheduler', 'worker-0'],
    versions: {},
    ...over
  } as Backend;
}

export const HISTORY: Sample[] = [
  [NOW - 20_000, 2, 2 * GIB],
  [NOW - 10_000, 6, 4 * GIB],
  [NOW, 4, 8 * GIB]
];

export function stagesOf(...messages: string[]): Backend['stages'] {
  return messages.map(message => ({ time: minutes(-1), message }));
}
