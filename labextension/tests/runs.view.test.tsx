/** The tab of one run: its graph, and what there is to see of a step. */
import type { ICell } from '@jupyterlab/nbformat';
import { act, cleanup, configure, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { RunActions } from '../src/runs/actions';
import { changedCells, joined } from '../src/runs/cells';
import { drawn, needs } from '../src/runs/graph';
import { foremost, nodeText } from '../src/runs/state';
import type { Run, Step, View } from '../src/runs/types';
import type { Store } from '../src/store';
import { ENGLISH as trans } from '../src/words';
import { backendOf, stage } from './dialogs.stage';
import { attemptOf, done, failedRun, runOf, stepOf, working } from './runs.stage';

configure({ asyncUtilTimeout: 10_000 });
jest.setTimeout(30_000);
// what is awaited here are states, not React's own work
beforeAll(() => Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false }));
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};

// style sheets, which give a step back what the graph takes from it, are not here
const user = userEvent.setup({ pointerEventsCheck: 0 });
const STEPS: Step[] = [
  { name: 'fetch', command: ['python', 'fetch.py'] },
  { name: 'clean', notebook: 'clean.ipynb', takes: { n: 'fetch.count' } },
  {
    name: 'attributes',
    notebook: 'a.ipynb',
    after: ['clean'],
    parameters: { bands: 3 },
    outputs: { plot: 'plot.png' }
  },
  { name: 'horizons', notebook: 'h.ipynb', after: ['clean'], joined: 'clean' },
  { name: 'report', notebook: 'r.ipynb', after: ['attributes', 'horizons'] }
];
const NAMES = STEPS.map(({ name }) => name);

describe('the graph', () => {
  test('K70 has a line for all that a step waits for, each once', () => {
    expect(needs(STEPS[3] as Step)).toEqual(['clean']);
    const { edges } = drawn(NAMES, STEPS);
    expect(edges.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'fetch clean',
      'clean attributes',
      'clean horizons',
      'attributes report',
      'horizons report'
    ]);
  });

  test('goes from left to right, and nothing lies over another', () => {
    const { steps } = drawn(NAMES, STEPS);
    const x = Object.fromEntries(steps.map(step => [step.name, step.x]));
    const ordered = ['fetch', 'clean', 'attributes', 'report'].map(name => x[name] ?? 0);
    expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
    expect(x.horizons).toBe(x.attributes);
    expect(new Set(steps.map(step => `${step.x} ${step.y}`)).size).toBe(5);
    expect(drawn(NAMES, []).edges).toEqual([]); // the definition isn't known yet
  });

  test('says of each step what it does', () => {
    expect(nodeText(done('fetch'), trans)).toEqual({ mark: '✓', text: '12 s' });
    expect(nodeText(working('a'), trans)).toEqual({ mark: '…', text: 'cell 7 of 11' });
    expect(nodeText(stepOf('r'), trans).text).toBe('waits');
    const failed = stepOf('p', { state: 'failed', message: 'Cell 4 of 9 has failed: Oh.' });
    expect(nodeText(failed, trans)).toEqual({ mark: '✗', text: 'failed · cell 4' });
  });
});

describe('the tab', () => {
  let RunView: typeof import('../src/runs/RunView').RunView;
  beforeAll(async () => {
    ({ RunView } = await import('../src/runs/RunView'));
  }, 60_000);
  afterEach(cleanup);

  async function show(run: Run, step: string, asked: { view?: View } = { view: 'log' }) {
    const { store, emit } = await stage();
    emit({ type: 'run', run });
    const log = jest.fn(async (_run: string, name: string, attempt: number) => {
      return `the log of ${name}, ${attempt}`;
    });
    const requests = {
      get: async () => ({ ...run, workflow: { name: run.name, steps: STEPS } }),
      notebook: jest.fn(),
      log
    };
    const actions = {
      record: jest.fn(),
      report: jest.fn(),
      cancel: jest.fn(),
      resume: jest.fn(),
      trace: jest.fn()
    };
    render(
      <RunView
        id={run.id}
        name={run.name}
        asked={{ step, ...asked }}
        store={store as Store}
        requests={requests}
        actions={actions as unknown as RunActions}
        clusters={{ logs: jest.fn(), dashboard: jest.fn() }}
        drawing={{} as never}
        trans={trans}
      />
    );
    await screen.findByText(run.name);
    return { emit, log, actions, store, requests };
  }

  test('K70 T129 every step with its state; the log of the one that is chosen', async () => {
    const { log } = await show(runOf(), 'attributes');
    const graph = within(screen.getByRole('region', { name: 'Steps' }));
    await waitFor(() => expect(graph.getAllByText(/fetch|clean|attributes/)).toHaveLength(3));
    expect(await screen.findByText('the log of attributes, 1')).toBeTruthy();
    expect(log).toHaveBeenLastCalledWith('seismic-1', 'attributes', 1, 2000);
    const fetch = graph.getByText('fetch').closest('button') as HTMLElement;
    expect(fetch.getAttribute('aria-pressed')).toBe('false');
    await user.click(fetch);
    expect(await screen.findByText('the log of fetch, 1')).toBeTruthy();
    expect(screen.queryByText(/^Notebook/)).toBeNull(); // it is a command
  });

  test('earlier attempts can be seen', async () => {
    const attempts = [
      attemptOf({ state: 'failed', message: 'The kernel died.' }),
      attemptOf({ number: 2, state: 'failed' })
    ];
    const failed = failedRun();
    const plot = { ...(failed.steps[1] as (typeof failed.steps)[number]), attempts };
    await show({ ...failed, steps: [plot] }, 'plot');
    await user.selectOptions(await screen.findByLabelText('Attempt'), '1');
    expect(await screen.findByText('the log of plot, 1')).toBeTruthy();
    await user.click(screen.getByText('Attempts'));
    expect(await screen.findByText('The kernel died.')).toBeTruthy();
  });

  test('values that it was given, its record, and a way to go on', async () => {
    const run = runOf({ state: 'cancelled', message: 'Cancelled.' });
    const { actions } = await show(run, 'attributes');
    await user.click(await screen.findByText('Inputs and outputs'));
    expect(await screen.findByText('bands')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Record' }));
    await user.click(screen.getByRole('button', { name: 'Resume' }));
    expect(actions.record).toHaveBeenCalledTimes(1);
    expect(actions.resume).toHaveBeenCalledTimes(1);
  });

  test('T122 what made a file is asked of the run whose record tells it', async () => {
    const steps = [stepOf('attributes', { ...done('attributes'), unchanged: 'before' })];
    const { actions, emit } = await show(runOf({ steps }), 'attributes');
    await user.click(await screen.findByText('Inputs and outputs'));
    const button = await screen.findByRole('button', { name: 'What made it? plot' });
    await user.click(button);
    expect(actions.trace).toHaveBeenCalledWith('before', 'attributes', 'plot');
    await act(async () => emit({ type: 'run', run: runOf({ steps: [working('attributes')] }) }));
    await waitFor(() => expect(button.title).toBe('It is recorded when the step is done.'));
  });

  test('K70 the backend of a step is the card of the panel, while it is there', async () => {
    const { emit } = await show(runOf(), 'attributes');
    await user.click(await screen.findByText('Cluster'));
    expect(await screen.findByText(/^It has ended\. Its size/)).toBeTruthy();
    await act(async () =>
      emit({ type: 'changed', backend: backendOf({ id: 'etl-1', name: 'etl' }) })
    );
    const card = within(await screen.findByRole('article', { name: 'etl' }));
    expect(card.getByRole('button', { name: 'Dashboards of etl' })).toBeTruthy();
    await user.click(screen.getByText('horizons')); // computes on nothing else
    expect(screen.queryByText('Cluster')).toBeNull();
  });

  test('the executed notebook of an attempt can be had as a page; a command has none', async () => {
    const { actions } = await show(runOf(), 'clean');
    await user.click(await screen.findByRole('button', { name: 'Report' }));
    expect(actions.report).toHaveBeenCalledWith(expect.anything(), 'clean', 0);
    await user.click(screen.getByText('fetch'));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Report' })).toBeNull());
  });

  test('the step that waits for something worth telling is looked at first', () => {
    const message = 'No more than 4 begin in 1 min: it begins at 17:23:10 UTC or later.';
    const steps = [done('fetch'), stepOf('fit-1', { message }), stepOf('fit-2')];
    expect(foremost({ steps })?.name).toBe('fit-1');
    expect(foremost({ steps: [...steps, working('fit-3')] })?.name).toBe('fit-3');
    expect(foremost({ steps: [done('fetch'), stepOf('fit-2')] })?.name).toBe('fit-2');
  });

  test('after a step that is a command, one that is a notebook shows that', async () => {
    const { requests } = await show(runOf(), 'fetch', {});
    const about = within(await screen.findByRole('region', { name: 'Step fetch' }));
    expect(await about.findByRole('tab', { name: 'Log', selected: true })).toBeTruthy();
    await user.click(screen.getByText('clean'));
    expect(await screen.findByRole('tab', { name: 'Notebook', selected: true })).toBeTruthy();
    expect(requests.notebook).toHaveBeenCalled();
  });

  test('nobody asks for a notebook of which no cell has begun: what it waits for is told', async () => {
    const message = 'Your quota is 12 workers; 10 in use, 6 more asked for.';
    const held = working('attributes', { cell: null, cells: null, message });
    const { requests } = await show(runOf({ steps: [held] }), 'attributes');
    await user.click(await screen.findByText('Notebook (live)'));
    expect(await screen.findByText(message, { selector: 'p' })).toBeTruthy();
    expect(requests.notebook).not.toHaveBeenCalled();
  });

  test('one that is gone says so', async () => {
    const { emit } = await show(runOf(), 'fetch');
    emit({ type: 'run-removed', id: 'seismic-1' });
    expect(await screen.findByText('The run “seismic-nightly” is no longer there.')).toBeTruthy();
  });
});

describe('the live notebook', () => {
  const cell = (source: string, over: object = {}) =>
    ({
      cell_type: 'code',
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
      ...over
    }) as ICell;

  test('T113 only cells whose outputs differ are drawn again', () => {
    const before = [cell('a = 1'), cell('print(a)'), cell('b')];
    const text = { output_type: 'stream', name: 'stdout', text: '1\n' };
    const after = [cell('a = 1', { execution_count: 1 }), cell('print(a)', { outputs: [text] })];
    expect(changedCells(before, [...after, cell('b')])).toEqual([0, 1]);
    expect(changedCells(before, before)).toEqual([]);
    expect(changedCells(before, after)).toBeNull(); // another notebook
    expect(changedCells(before, [cell('a = 2'), ...before.slice(1)])).toBeNull();
  });

  test('T113 texts that a file has as lists of lines are whole again', () => {
    const data = { 'text/html': ['<p>\n', '</p>'], 'application/json': [1, 2] };
    const out = { output_type: 'display_data', data, metadata: {} };
    const told = { output_type: 'stream', name: 'stdout', text: ['0 ', '1 '] };
    const outputs = joined(cell('x', { outputs: [out, told] })).outputs;
    const [shown, said] = outputs as [typeof out, { text: string }];
    expect(said.text).toBe('0 1 ');
    expect(shown.data).toEqual({ 'text/html': '<p>\n</p>', 'application/json': [1, 2] });
  });
});
