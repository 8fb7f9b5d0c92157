/** A schedule as the service shows it. */
import type { Schedule } from '../src/model';

export function scheduleOf(over: Partial<Schedule> = {}): Schedule {
  return {
    id: 'office-1',
    owner: 'ann',
    name: 'office hours',
    workflow: null,
    once: null,
    launch: { kind: 'arkouda', options: { locales: 4 } },
    start: '0 7 * * 1-5',
    stop: '0 19 * * 1-5',
    zone: 'UTC',
    overlap: 'replace',
    tolerance: null,
    suspended: false,
    until: null,
    created: '2026-02-01T00:00:00Z',
    history: [],
    running: null,
    next_start: '2026-03-02T07:00:00Z',
    next_stop: '2026-03-02T19:00:00Z',
    ...over
  } as Schedule;
}
