import { Alarms } from '../src/plugins/alarms';
import { isNear, newsOf, newsOfRun, wanted, warnIn } from '../src/plugins/news';
import { foremost, pill, runsText, statusText } from '../src/plugins/summary';
import { ENGLISH as trans } from '../src/words';
import { ARKOUDA, DASK } from './card.stage';
import { backend } from './plugins.stage';
import { failedRun, runOf } from './runs.stage';

const starting = backend({ phase: 'starting', ready: 1, message: 'Starting 4 workers.' });
const running = backend();
const failed = backend({
  phase: 'failed',
  reason: 'ImageNotFound',
  message: 'The image is not in the registry.',
  remedy: 'Choose another image.'
});

describe('what is told', () => {
  test('what was launched anywhere, until it is ready', () => {
    const begun = newsOf(undefined, starting, false, DASK, trans);
    expect(begun).toMatchObject({ type: 'in-progress', autoClose: false });
    expect(begun?.message).toContain('etl');
    expect(begun?.message).toContain('1 of 4 workers');
    expect(newsOf(starting, running, true, DASK, trans)).toMatchObject({
      key: begun?.key,
      type: 'success',
      message: '“etl” is ready: 4 of 4 workers.'
    });
  });

  test('a failure, with the remedy and what helps', () => {
    const told = newsOf(starting, failed, true, DASK, trans);
    expect(told).toMatchObject({ type: 'error', actions: ['retry', 'logs'], autoClose: false });
    expect(told?.message).toContain('The image is not in the registry. Choose another image.');
  });

  test('an end that nobody asked for', () => {
    const idle = backend({ phase: 'stopped', reason: 'Idle', message: 'Stopped after 30 min.' });
    expect(newsOf(running, idle, false, DASK, trans)).toMatchObject({ type: 'info' });
  });

  test('nothing of what was so when the page was opened, or was asked for', () => {
    expect(newsOf(undefined, running, false, DASK, trans)).toBeUndefined();
    expect(newsOf(undefined, failed, false, DASK, trans)).toBeUndefined();
    expect(newsOf(running, backend({ ready: 3 }), false, DASK, trans)).toBeUndefined();
    const asked = backend({ phase: 'stopped', reason: 'Requested' });
    expect(newsOf(backend({ phase: 'stopping' }), asked, false, DASK, trans)).toBeUndefined();
  });

  test('it is taken back when it is stopped while it starts, or gone', () => {
    expect(newsOf(starting, backend({ phase: 'stopping' }), true, DASK, trans)).toBeNull();
    expect(newsOf(starting, undefined, true, DASK, trans)).toBeNull();
  });

  test('as much as is wanted', () => {
    const good = newsOf(starting, running, true, DASK, trans);
    const bad = newsOf(starting, failed, true, DASK, trans);
    if (!good || !bad) {
      throw new Error('both are told');
    }
    expect([wanted(good, 'all'), wanted(good, 'problems'), wanted(good, 'none')]).toEqual([
      true,
      false,
      false
    ]);
    expect([wanted(bad, 'problems'), wanted(bad, 'none')]).toEqual([true, false]);
  });
});

describe('warnings before an end', () => {
  const minute = 60_000;

  test('five minutes before, later for what lives shortly', () => {
    const long = { at: 60 * minute, idle: false, warning: 10 * minute };
    expect(warnIn(long, 0)).toBe(55 * minute);
    expect(warnIn(long, 58 * minute)).toBe(0);
    expect(warnIn(long, 60 * minute)).toBeUndefined();
    expect(warnIn({ at: 3 * minute, idle: true, warning: minute }, 0)).toBe(2 * minute);
    expect(warnIn(null, 0)).toBeUndefined();
    expect([isNear(0), isNear(5000), isNear(undefined)]).toEqual([true, false, false]);
  });

  test('once for each moment, and not when it has been moved', () => {
    jest.useFakeTimers();
    const alarms = new Alarms();
    const rung: string[] = [];
    const set = (due: number | undefined, moment: string) =>
      alarms.set('etl', due, moment, () => rung.push(moment));
    set(1000, 'first');
    set(900, 'first');
    set(5000, 'second');
    jest.advanceTimersByTime(2000);
    expect(rung).toEqual([]);
    jest.advanceTimersByTime(4000);
    set(0, 'second');
    jest.advanceTimersByTime(1000);
    expect(rung).toEqual(['second']);
    set(1000, 'third');
    set(undefined, '');
    jest.advanceTimersByTime(2000);
    expect(rung).toEqual(['second']);
    jest.useRealTimers();
  });
});

describe('in a few words', () => {
  test('the status bar', () => {
    expect(statusText(backend({ name: 'session' }), DASK, 0, null, trans)).toBe(
      'session: 4 workers, 71 %'
    );
    expect(statusText(running, DASK, 2, null, trans)).toBe('etl: 4 workers, 71 % and 2 more');
    expect(statusText(starting, DASK, 0, null, trans)).toBe('etl: starting');
    expect(statusText(null, null, 0, null, trans)).toBe('');
    const problem = { detail: 'The service does not answer.', remedy: 'Wait.' };
    expect(statusText(running, DASK, 0, problem, trans)).toBe('Alongside: no connection');
  });

  test('the notebook', () => {
    expect(pill(backend({ name: 'session' }), DASK, trans)).toBe('session · 4 workers');
    expect(pill(backend({ kind: 'arkouda', ready: 1 }), ARKOUDA, trans)).toBe('etl · 1 locale');
    expect(pill(failed, DASK, trans)).toBe('etl · failed');
  });

  test('of several the attached one, else the own session’s', () => {
    const own = backend({ id: 'own' });
    const free = backend({ id: 'free', session: null, created: '2025-01-01T00:00:00Z' });
    expect(foremost([free, own], null, '', 'ada')).toBe(own);
    expect(foremost([free, own], free, '', 'ada')).toBe(free);
    expect(foremost([failed], null, '', 'ada')).toBeNull();
    expect(foremost([own], null, '', 'bob')).toBeNull();
  });
});

describe('of runs', () => {
  test('T129 the end is told, with what can be done then', () => {
    const done = runOf({ state: 'succeeded' });
    expect(newsOfRun(runOf(), done, trans)).toMatchObject({ type: 'success', actions: ['open'] });
    const failed = newsOfRun(runOf(), failedRun(), trans);
    expect(failed).toMatchObject({ type: 'error', actions: ['resume', 'open'], autoClose: false });
    expect(failed?.message).toContain("Step plot, cell 4: KeyError: 'depth'.");
  });

  test('not what had ended before, was cancelled, or goes on', () => {
    expect(newsOfRun(undefined, failedRun(), trans)).toBeUndefined();
    expect(newsOfRun(runOf(), runOf({ state: 'cancelled' }), trans)).toBeUndefined();
    expect(newsOfRun(runOf({ state: 'waiting' }), runOf(), trans)).toBeUndefined();
  });

  test('it is taken back when the run is resumed or deleted', () => {
    expect(newsOfRun(failedRun(), runOf(), trans)).toBeNull();
    expect(newsOfRun(failedRun(), undefined, trans)).toBeNull();
  });

  test('the status bar counts what works', () => {
    expect(runsText(0, 2, trans)).toBe('');
    expect(runsText(1, 2, trans)).toBe('1 run, 2 backends');
    expect(runsText(2, 0, trans)).toBe('2 runs');
  });
});
