/** A backend for the tests of the plugins. */
import type { Backend } from '../src/model';

export function backend(change: Partial<Backend> = {}): Backend {
  return {
    id: 'etl-aaaabbbbccccdddd',
    name: 'etl',
    kind: 'dask',
    platform: 'local',
    profile: 'small',
    owner: 'ada',
    session: '',
    options: { workers: 4, cores: 2, memory: '1 GiB', adaptive: null },
    resources: { backends: 1, workers: 4, cores: 8, memory: 2 ** 32, gpus: 0 },
    lifetime: { idle: '30 min', maximum: '8 h' },
    keep: false,
    shares: [],
    created: '2026-01-01T00:00:00Z',
    phase: 'running',
    reason: '',
    message: '',
    remedy: '',
    ready: 4,
    wanted: 4,
    started: '2026-01-01T00:00:05Z',
    ended: null,
    idle_since: null,
    expires: null,
    usage: { cpu: 5.68, memory: 2 ** 31 },
    stages: [],
    roles: ['scheduler', 'worker-1'],
    versions: {},
    needed: null,
    ...change
  };
}
