/** Two runs beside each other: what is read from their records, and what the tab shows of it. */
import { cleanup, configure, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';

import { compare, partnerOf, type Side } from '../src/runs/comparison';
import { recorded } from '../src/runs/crate';
import type { Run } from '../src/runs/types';
import type { Store } from '../src/store';
import { ENGLISH as trans } from '../src/words';
import { minutes, NOW } from './card.stage';
import { stage } from './dialogs.stage';
import { done, failedRun, runOf } from './runs.stage';

configure({ asyncUtilTimeout: 10_000 });
jest.setTimeout(30_000);
beforeAll(() => Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false }));
afterEach(cleanup);

const SUM = 'a1fb50e6c86fae1679ef3351296fd6713411a08cf8dd1790a4fd05fae8688164';

/** The record of a run of one step, as the service merges it. */
function crateOf({ n = 3, members = 2, sum = SUM, python = '3.11.7' } = {}): object {
  const id = (name: string) => ({ '@id': `#steps/fit/${name}` });
  const value = (name: string, value: unknown) => ({
    ...id(name),
    '@type': 'PropertyValue',
    name,
    value
  });
  const file = 'steps/fit/file:///data/ann/fit.csv';
  return {
    '@graph': [
      {
        ...id('attempt'),
        '@type': 'CreateAction',
        instrument: { '@id': 'steps/fit/file:///data/ann/fit.ipynb' },
        object: [id('n'), id('bands')],
        result: [{ '@id': file }, id('slope'), { '@id': 'steps/fit/executed.ipynb' }],
        additionalProperty: [
          id('backend kind'),
          id('backend members'),
          id('backend members wanted')
        ]
      },
      value('n', n),
      value('bands', '[1, 2]'),
      value('slope', 0.5),
      value('backend kind', 'dask'),
      value('backend members', members),
      value('backend members wanted', 2),
      { '@id': file, '@type': 'File', name: 'fit', sha256: sum },
      { '@id': 'steps/fit/executed.ipynb', '@type': 'File', name: 'The notebook', sha256: SUM },
      {
        '@id': 'steps/fit/file:///data/ann/fit.ipynb',
        '@type': ['File', 'SoftwareSourceCode'],
        sha256: SUM,
        softwareRequirements: [id('python')]
      },
      { ...id('python'), '@type': 'SoftwareApplication', name: 'Python', softwareVersion: python }
    ]
  };
}

const FIT = { steps: [done('fit')], state: 'succeeded' as const, ended: minutes(-1) };

function sideOf(run: Run, crate: object): Side {
  const workflow = { name: run.name, steps: [{ name: 'fit', parameters: { bands: [1, 2] } }] };
  return { run, workflow, recorded: recorded(crate) };
}

describe('the record', () => {
  test('K82 tells values, what came out, code, versions and the size of the backend', () => {
    expect(recorded(crateOf({ members: 1 }))).toEqual({
      fit: {
        values: { n: '3', bands: '[1,2]' },
        results: { slope: '0.5' },
        outputs: { fit: SUM }, // not the executed notebook: that is another one each time
        code: SUM,
        software: { Python: '3.11.7' },
        image: '',
        backend: 'dask · 1/2'
      }
    });
  });

  test('of a run that has none, or of something else, tells nothing', () => {
    for (const nothing of [null, {}, { '@graph': 7 }, { '@graph': [null, 'x', {}] }]) {
      expect(recorded(nothing)).toEqual({});
    }
  });
});

describe('the comparison', () => {
  const rows = (one: Side, other: Side) =>
    compare([one, other], NOW, trans).flatMap(({ title, rows }) =>
      rows.map(row => [title, row.name, ...row.values, row.different])
    );

  test('K70 says what differs, and not merely that time has gone by', () => {
    const one = sideOf(runOf(FIT), crateOf());
    const later = runOf({ ...FIT, id: 'later', started: minutes(-2), steps: [done('fit')] });
    const same = rows(one, sideOf(later, crateOf()));
    expect(same.filter(row => row.at(-1))).toEqual([]);
    expect(same).toContainEqual(['Values', 'bands', '[1,2]', '[1,2]', false]);
    const other = sideOf(later, crateOf({ n: 4, members: 1, sum: 'f00', python: '3.12.0' }));
    expect(rows(one, other).filter(row => row.at(-1))).toEqual([
      ['Values', 'n', '3', '4', true],
      ['Backends', 'fit', 'dask · 2', 'dask · 1/2', true],
      ['Outputs', 'fit', SUM, 'f00', true],
      ['Versions', 'Python', '3.11.7', '3.12.0', true]
    ]);
  });

  test('of a run that goes on: what is known already differs, what may still come does not', () => {
    const one = sideOf(runOf(FIT), crateOf());
    const live = { ...sideOf(runOf({ ...FIT, id: 'live' }), {}), recorded: {} };
    const steps = [{ name: 'fit', parameters: { bands: [9] } }];
    const found = rows(one, { ...live, workflow: { name: 'fit', steps } });
    expect(found.filter(row => row.at(-1))).toEqual([['Values', 'bands', '[1,2]', '[9]', true]]);
    expect(found).toContainEqual(['Outputs', 'fit', SUM, '', false]);
  });

  test('of runs of different workflows has the steps of both', () => {
    const none = { workflow: null, recorded: {} };
    const found = rows({ run: runOf(FIT), ...none }, { run: failedRun(), ...none });
    expect(found).toContainEqual(['Steps', 'fit', 'done · 12 s', '', true]);
    expect(found).toContainEqual(['Steps', 'plot', '', 'failed · 12 s', true]);
    expect(found).toContainEqual(['Run', 'State', 'done', 'failed', true]);
  });

  test('is with the run before it of the same name, unless another is chosen', () => {
    const run = runOf();
    const before = runOf({ id: 'before', created: minutes(-99) });
    const after = runOf({ id: 'after', created: minutes(0) });
    const other = failedRun({ created: minutes(-5) });
    expect(partnerOf(run, [run, other, after, before])?.id).toBe('before');
    expect(partnerOf(run, [run, other, after])?.id).toBe('after');
    expect(partnerOf(run, [run, other])?.id).toBe('report-1');
    expect(partnerOf(run, [run])).toBeUndefined();
  });
});

describe('the tab', () => {
  const rules = { 'color-contrast': { enabled: false }, region: { enabled: false } };

  test('K70 shows two runs, those that are chosen; differences are told, not only coloured', async () => {
    const { CompareView } = await import('../src/runs/CompareView');
    const { store, emit } = await stage();
    const runs = [runOf({ ...FIT, owner: 'ada' }), failedRun({ owner: 'ada' })];
    for (const run of runs) {
      emit({ type: 'run', run });
    }
    const chosen = jest.fn();
    const requests = {
      get: async (id: string) => ({
        ...(runs.find(run => run.id === id) as Run),
        workflow: sideOf(runOf(FIT), {}).workflow as never
      }),
      crate: async () => crateOf()
    };
    const { container } = render(
      <CompareView
        ids={['seismic-1', '']}
        store={store as Store}
        requests={requests}
        trans={trans}
        onChoose={chosen}
      />
    );
    const table = within(await screen.findByRole('table', { name: 'Two runs compared' }));
    await waitFor(() => expect(table.getByText('Versions')).toBeTruthy());
    const state = table.getByRole('row', { name: /^State/ });
    expect(state.textContent).toBe('State ≠differsdonefailed');
    const user = userEvent.setup();
    await user.click(screen.getByRole('checkbox', { name: 'Only what differs' }));
    expect(table.queryByText('Versions')).toBeNull();
    expect((await axe.run(container, { rules })).violations).toEqual([]);
    await user.selectOptions(screen.getByRole('combobox', { name: 'Second run' }), 'seismic-1');
    expect(chosen).toHaveBeenCalledWith(['seismic-1', 'seismic-1']);
  }, 60_000);

  test('without two runs says so', async () => {
    const { CompareView } = await import('../src/runs/CompareView');
    const { store } = await stage();
    const requests = { get: jest.fn(), crate: jest.fn() };
    const given = { store: store as Store, requests, trans, onChoose: jest.fn() };
    render(<CompareView ids={['', '']} {...given} />);
    expect(await screen.findByText(/no two runs yet/)).toBeTruthy();
    expect(requests.get).not.toHaveBeenCalled();
  });
});
