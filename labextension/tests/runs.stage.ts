/** Runs as the service writes them, for tests of what shows them. */
import type { Attempt, Run, StepRun } from '../src/runs/types';
import { minutes } from './card.stage';

export function attemptOf(over: Partial<Attempt> = {}): Attempt {
  return {
    number: 1,
    state: 'succeeded',
    started: minutes(-4),
    ended: minutes(-3.8),
    exit_code: 0,
    message: '',
    remedy: '',
    backend: '',
    ...over
  } as Attempt;
}

export function stepOf(name: string, over: Partial<StepRun> = {}): StepRun {
  return {
    name,
    state: 'waiting',
    message: '',
    remedy: '',
    cell: null,
    cells: null,
    backend: '',
    results: {},
    digest: '',
    unchanged: '',
    attempts: [],
    ...over
  };
}

export const done = (name: string) => stepOf(name, { state: 'succeeded', attempts: [attemptOf()] });

export const working = (name: string, over: Partial<StepRun> = {}) =>
  stepOf(name, {
    state: 'running',
    cell: 7,
    cells: 11,
    attempts: [attemptOf({ state: 'running', started: minutes(-1), ended: null, exit_code: null })],
    ...over
  });

/** Two of five steps done, one at its seventh cell. */
export function runOf(over: Partial<Run> = {}): Run {
  return {
    id: 'seismic-1',
    name: 'seismic-nightly',
    owner: 'ann',
    executor: 'local',
    session: '',
    origin: '',
    state: 'running',
    message: '',
    remedy: '',
    created: minutes(-4.1),
    started: minutes(-4),
    ended: null,
    steps: [
      done('fetch'),
      done('clean'),
      working('attributes', { backend: 'etl-1' }),
      stepOf('horizons'),
      stepOf('report')
    ],
    ...over
  };
}

/** One that has failed in a cell of its second step. */
export function failedRun(over: Partial<Run> = {}): Run {
  const message = "Cell 4 of 9 has failed: KeyError: 'depth'.";
  return runOf({
    id: 'report-1',
    name: 'report',
    state: 'failed',
    message: 'Step plot has failed.',
    ended: minutes(-3),
    steps: [
      done('fetch'),
      stepOf('plot', {
        state: 'failed',
        message,
        remedy: 'Mend the cell and resume.',
        cell: 4,
        cells: 9,
        attempts: [attemptOf({ state: 'failed', exit_code: 1, message })]
      }),
      stepOf('mail', { state: 'cancelled' })
    ],
    ...over
  });
}
