/** What a run's card says and offers, and the words for it. */
import { cleanup, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';

import type { RunActions } from '../src/runs/actions';
import { faultOf } from '../src/runs/faults';
import { RunCard } from '../src/runs/RunCard';
import { search } from '../src/runs/search';
import { foremost, lines, newestFirst, progress, spentText, stateText } from '../src/runs/state';
import type { Run, StepRun } from '../src/runs/types';
import { ENGLISH as trans } from '../src/words';
import { minutes, NOW } from './card.stage';
import { attemptOf, done, failedRun, runOf, stepOf, working } from './runs.stage';

afterEach(cleanup);
const user = userEvent.setup();
// jsdom draws nothing: what needs a picture is checked in a browser
const rules = {
  'color-contrast': { enabled: false },
  'label-content-name-mismatch': { enabled: false }
};

function actionsOf(): jest.Mocked<RunActions> {
  const names = [
    'open',
    'cancel',
    'resume',
    'notebook',
    'log',
    'record',
    'report',
    'compare',
    'again',
    'remove',
    'copy'
  ];
  return Object.fromEntries(names.map(name => [name, jest.fn()])) as never;
}

function show(run: Run, over: { blocked?: string; kept?: boolean } = {}) {
  const actions = actionsOf();
  const card = () => (
    <RunCard
      run={run}
      computing={{ attributes: 'Dask 10 workers' }}
      kept={over.kept ?? false}
      actions={actions}
      trans={trans}
      blocked={over.blocked ?? ''}
      now={NOW}
    />
  );
  return { actions, ...render(card()) };
}

const press = (name: string) => user.click(screen.getByRole('button', { name }));

test('K70 a live run: how far, for how long, and what its steps do', async () => {
  const { actions, container } = show(runOf());
  const card = within(screen.getByRole('article', { name: 'seismic-nightly' }));
  expect(card.getByText('2 of 5 steps · 4 min')).toBeTruthy();
  const told = card.getAllByRole('listitem').map(({ textContent }) => textContent);
  expect(told).toEqual([
    '✓done: fetch 12 s',
    '✓done: clean 12 s',
    '…at work: attributes · cell 7 of 11 · Dask 10 workers'
  ]);
  const bar = card.getByRole('progressbar');
  expect(bar.getAttribute('aria-valuetext')).toBe('2 of 5 steps');
  expect(bar.getAttribute('aria-valuenow')).toBe('51'); // (2 + 6/11) of 5
  expect((await axe.run(container, { rules })).violations).toEqual([]);
  await press('Cancel seismic-nightly');
  expect(actions.cancel).toHaveBeenCalledTimes(1);
});

test('K70 a failed one: the cause, a sentence, and the button that mends it', async () => {
  const { actions, container } = show(failedRun(), { kept: true });
  expect(screen.getByText('Step plot, cell 4.').tagName).toBe('STRONG');
  expect(container.textContent).toContain("KeyError: 'depth'.");
  expect(container.textContent).toContain('The steps before it are kept, and so is its cluster.');
  expect((await axe.run(container, { rules })).violations).toEqual([]);
  await press('Resume from plot');
  await press('See cell');
  expect(actions.resume).toHaveBeenCalledTimes(1);
  expect(actions.notebook).toHaveBeenCalledWith(expect.anything(), 'plot');
  await press('More about report');
  await user.click(screen.getByRole('menuitem', { name: 'Log' }));
  expect(actions.log).toHaveBeenCalledWith(expect.anything(), 'plot');
  await press('More about report');
  await user.click(screen.getByRole('menuitem', { name: 'Compare…' }));
  expect(actions.compare).toHaveBeenCalledTimes(1);
});

test('what has failed in no cell is best seen in its log', async () => {
  const [fetch, plot] = failedRun().steps;
  const late = { ...(plot as StepRun), message: 'It took longer than 10 min.' };
  const { actions } = show(failedRun({ steps: [fetch as StepRun, late] }));
  await press('See log');
  expect(actions.log).toHaveBeenCalledWith(expect.anything(), 'plot');
});

test('T129 an ended one can be run again or deleted, a live one can not be deleted', async () => {
  const { actions, unmount } = show(runOf({ state: 'succeeded', ended: minutes(-1) }));
  expect(screen.queryByRole('button', { name: /^Cancel/ })).toBeNull();
  await press('Run again…');
  expect(actions.again).toHaveBeenCalledTimes(1);
  unmount();
  const live = show(runOf());
  await press('More about seismic-nightly');
  await user.click(screen.getByRole('menuitem', { name: 'Delete…' }));
  expect(live.actions.remove).not.toHaveBeenCalled();
  await user.click(screen.getByRole('menuitem', { name: 'Copy command' }));
  expect(live.actions.copy).toHaveBeenCalledTimes(1);
});

test('while the service is away nothing is asked of it, and it says why', async () => {
  const { actions } = show(failedRun(), { blocked: 'The service is away.' });
  const button = screen.getByRole('button', { name: 'Resume from plot' });
  expect(button.title).toBe('The service is away.');
  await user.click(button);
  expect(actions.resume).not.toHaveBeenCalled();
});

describe('words', () => {
  test('of one notebook', () => {
    const one = runOf({ steps: [working('etl')] });
    expect(stateText(one, NOW, trans)).toBe('running · 4 min');
    expect(stateText({ ...one, state: 'waiting', started: null }, NOW, trans)).toBe('waiting');
    const failed = { ...failedRun(), steps: failedRun().steps.slice(1, 2) };
    expect(faultOf(failed, trans)).toMatchObject({ cause: 'Cell 4', detail: "KeyError: 'depth'." });
  });

  test('of where the time of an attempt went', () => {
    const spent = { staging_in: 2.2, waiting: 14, computing: 65, staging_out: 0.1 };
    const amounts = { bytes_in: 1, bytes_out: 0 };
    expect(spentText(attemptOf({ spent: { ...spent, ...amounts } }), trans)).toBe(
      'inputs 2 s, waiting 14 s, computing 1 min'
    );
    const quick = { ...spent, staging_in: 0, waiting: 0, ...amounts };
    expect(spentText(attemptOf({ spent: quick }), trans)).toBe('');
    expect(spentText(attemptOf(), trans)).toBe('');
  });

  test('of the past', () => {
    const over = runOf({ state: 'succeeded', steps: [done('a'), done('b')] });
    expect(stateText({ ...over, ended: minutes(-24 * 60) }, NOW, trans)).toBe('2 of 2 · yesterday');
    expect(stateText({ ...over, ended: minutes(-1) }, NOW, trans)).toMatch(/^2 of 2 · .*\d:\d\d/);
    expect(stateText({ ...over, ended: minutes(-9 * 24 * 60) }, NOW, trans)).toMatch(/20|Feb/);
  });

  test('of a thousand steps only some are told', () => {
    const steps = [...Array(990).keys()].map(n => done(`step-${n}`));
    const busy = [...Array(10).keys()].map(n => working(`busy-${n}`));
    const run = runOf({ steps: [...steps, ...busy] });
    const told = lines(run, () => '', NOW, trans);
    expect(told.lines).toHaveLength(6);
    expect(told.more).toBe(6);
    expect(progress(run).done).toBe(990);
  });

  test('of a step that waits for something worth telling, or was skipped', () => {
    const held = stepOf('horizons', { message: 'waits: 4 locales queued' });
    const skipped = { ...done('clean'), unchanged: 'seismic-0' };
    const told = lines(runOf({ steps: [skipped, held] }), () => '', NOW, trans).lines;
    expect(told.map(({ text }) => text)).toEqual(['skipped, unchanged', 'waits: 4 locales queued']);
  });

  test('find a run by its name, its steps and its state', () => {
    const all = [runOf(), failedRun()];
    const names = (query: string, which: Parameters<typeof search>[2] = 'all') =>
      search(all, query, which, trans).map(({ name }) => name);
    expect(names('')).toEqual(['seismic-nightly', 'report']);
    expect(names('NIGHT seis')).toEqual(['seismic-nightly']);
    expect(names('plot')).toEqual(['report']); // a step's name
    expect(names('failed')).toEqual(['report']);
    expect(names('', 'live')).toEqual(['seismic-nightly']);
    expect(names('seismic', 'failed')).toEqual([]);
  });

  test('what is looked at first, and the order', () => {
    expect(foremost(failedRun())?.name).toBe('plot');
    expect(foremost(runOf())?.name).toBe('attributes');
    const old = runOf({ id: 'old', created: minutes(-900) });
    expect(newestFirst([old, runOf()]).map(({ id }) => id)).toEqual(['seismic-1', 'old']);
  });
});
