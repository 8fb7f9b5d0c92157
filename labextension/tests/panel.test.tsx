/** The panel in all its states. Imported late: JupyterLab's components look at the window first. */
import { Signal } from '@lumino/signaling';
import { act, configure, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { Backend, Catalogue, Change, Me, Schedule, State } from '../src/model';
import type { PanelOptions } from '../src/panel/context';
import { bars } from '../src/panel/quotas';
import { search, sections, team } from '../src/panel/sections';
import { PendingStops } from '../src/panel/stops';
import type { RunActions } from '../src/runs/actions';
import type { Run } from '../src/runs/types';
import { Store } from '../src/store';
import { ENGLISH } from '../src/words';
import { ARKOUDA, backendOf, DASK, minutes } from './card.stage';
import { failedRun, runOf } from './runs.stage';
import { scheduleOf } from './schedules.stage';

// a busy machine takes its time
configure({ asyncUtilTimeout: 10_000 });
jest.setTimeout(30_000);

window.matchMedia ??= (() => ({
  matches: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
  addListener: () => undefined,
  removeListener: () => undefined
})) as unknown as typeof window.matchMedia;

const GIB = 2 ** 30;
const NONE = { backends: 0, workers: 0, cores: 0, memory: 0, gpus: 0 };

function meOf(over: object = {}): Me {
  return {
    user: 'ann',
    name: 'ann',
    groups: [],
    admin: false,
    limits: { cores: 32, memory: '96 GiB' },
    used: { backends: 2, workers: 8, cores: 18, memory: 36 * GIB, gpus: 0 },
    capacity: { local: { total: NONE, free: NONE } },
    profiles: [],
    ...over
  } as unknown as Me;
}

interface Stage {
  backends?: Backend[];
  me?: object;
  catalogue?: object;
  problem?: State['problem'];
  options?: Partial<PanelOptions>;
  runs?: Run[];
  schedules?: Schedule[];
  never?: boolean;
}

let View: typeof import('../src/panel/View').View;
beforeAll(async () => {
  ({ View } = await import('../src/panel/View'));
}, 60_000);

async function show(stage: Stage = {}) {
  const { backends = [], problem = null, never = false } = stage;
  const events = new Signal<object, Change>({});
  const state: State = {
    epoch: 'e',
    sequence: 0,
    connected: problem === null,
    problem,
    session: '',
    user: 'ann',
    alone: false,
    hub: '',
    backends: backends.map(backend => ({ ...backend, history: [] })),
    runs: stage.runs ?? null
  };
  const kinds = { dask: DASK, arkouda: ARKOUDA };
  const catalogue = { profiles: [], kinds, problem: '', ...stage.catalogue } as Catalogue;
  const store = new Store(
    {
      state: () => (never ? new Promise(() => undefined) : Promise.resolve(state)),
      me: async () => meOf(stage.me),
      catalogue: async () => catalogue,
      schedules: async () => stage.schedules ?? []
    },
    events
  );
  const service = { catalogue: async () => catalogue };
  const launch = jest.fn();
  const actions = { attach: jest.fn(), stop: jest.fn() };
  const view = (visible: boolean) => (
    <View
      alongside={{ store, service }}
      actions={actions}
      trans={ENGLISH}
      options={{ launch, ...stage.options }}
      visible={visible}
    />
  );
  const drawn = await act(async () => render(view(true)));
  if (!never) {
    await waitFor(() => expect(store.me).not.toBeNull());
    await told(store, () => store.refreshMe());
  }
  let sequence = 0;
  const emit = (change: object) =>
    told(store, () => events.emit({ epoch: 'e', sequence: ++sequence, ...change } as Change));
  return { store, launch, actions, emit, drawn, view };
}

/** Do something, and wait until the store has told of it and that is drawn. */
async function told(store: Store, what: () => unknown): Promise<void> {
  const heard = jest.fn();
  store.changed.connect(heard);
  what();
  await waitFor(() => expect(heard).toHaveBeenCalled());
  store.changed.disconnect(heard);
}

const keys = userEvent.setup();
const names = () => screen.queryAllByRole('article').map(card => card.getAttribute('data-backend'));

test('empty: what a backend is, and how to get one', async () => {
  const { launch } = await show();
  expect(screen.getByText(/A backend is a cluster/)).toBeTruthy();
  await keys.click(screen.getByRole('button', { name: 'Launch a backend' }));
  expect(launch).toHaveBeenCalledTimes(1);
});

test('while it loads it says so', async () => {
  await show({ never: true });
  expect(screen.getByRole('status', { name: 'Looking for backends' })).toBeTruthy();
});

test('a server that waits for the service says so too, not that nothing runs', async () => {
  const { emit } = await show();
  await emit({ type: 'state', connected: false, problem: null });
  expect(screen.getByRole('status', { name: 'Looking for backends' })).toBeTruthy();
  await emit({ type: 'state', connected: true, problem: null });
  expect(screen.getByText(/A backend is a cluster/)).toBeTruthy();
});

test('by session, shared and ended', async () => {
  const share = { user: 'ann', group: null, access: 'read' as const };
  await show({
    backends: [
      backendOf({ id: 'ended', phase: 'stopped', ended: minutes(0) }),
      backendOf({ id: 'here' }),
      backendOf({ id: 'free', session: null }),
      backendOf({ id: 'bobs', owner: 'bob', shares: [share] }),
      backendOf({ id: 'failed', phase: 'failed' })
    ]
  });
  const groups = screen.getAllByRole('region').map(group => group.getAttribute('aria-label'));
  expect(groups).toEqual([
    'What you use of what you may',
    'This session',
    'Other sessions and free-standing',
    'Shared with you',
    'Ended'
  ]);
  expect(names()).toEqual(['failed', 'here', 'free', 'bobs', 'ended']);
});

test('a change is shown, and draws nothing else again', async () => {
  const { emit } = await show({ backends: [backendOf({ id: 'a' }), backendOf({ id: 'b' })] });
  const [first] = screen.getAllByRole('article');
  const other = first?.innerHTML;
  await emit({ type: 'changed', backend: backendOf({ id: 'b', phase: 'scaling', wanted: 9 }) });
  expect(screen.getByText('scaling 4 → 9')).toBeTruthy();
  expect(screen.getAllByRole('article')[0]?.innerHTML).toBe(other);
});

test('one that cannot be drawn leaves the others', async () => {
  const silent = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const broken = { ...backendOf({ id: 'bad', name: 'bad' }), resources: null, stages: null };
  const { emit } = await show({
    backends: [broken as unknown as Backend, backendOf({ id: 'good' })]
  });
  expect(screen.getByText(/The backend bad cannot be shown/)).toBeTruthy();
  expect(names()).toEqual(['good']);
  await emit({ type: 'changed', backend: backendOf({ id: 'bad', name: 'bad' }) });
  expect(names()).toEqual(['bad', 'good']);
  silent.mockRestore();
});

test('the service is gone: told, what was known stays, nothing can be asked for', async () => {
  const { emit, actions } = await show({ backends: [backendOf()] });
  const problem = { detail: 'The service does not answer.', remedy: 'Wait a little.' };
  await emit({ type: 'state', connected: false, problem });
  expect(screen.getByRole('alert').textContent).toBe(
    'The service does not answer. Wait a little. What is below may be old.'
  );
  const attach = screen.getByRole('button', {
    name: 'Attach',
    description: 'The service does not answer.'
  });
  await keys.click(attach);
  expect(actions.attach).not.toHaveBeenCalled();
  await emit({ type: 'state', connected: true, problem: null });
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a stop that waits is shown and taken back', async () => {
  const backend = backendOf();
  const stops = new PendingStops(async () => undefined);
  await show({ backends: [backend], options: { stops } });
  act(() => stops.stop(backend));
  expect(screen.getByText('Stopping in 5 s')).toBeTruthy();
  act(() => void stops.undo(backend.id));
  expect(screen.queryByText(/Stopping in/)).toBeNull();
  stops.dispose();
});

test('what cannot be seen is not drawn again, until it can', async () => {
  const { drawn, view, store } = await show({ backends: [backendOf()] });
  drawn.rerender(view(false));
  await told(store, () => store.put(backendOf({ id: 'new' })));
  expect(names()).toEqual(['etl-1']);
  await act(async () => drawn.rerender(view(true)));
  expect(names()).toEqual(['etl-1', 'new']);
});

test('changes of phase are announced, all else is not', async () => {
  const { emit } = await show({ backends: [backendOf({ phase: 'starting' })] });
  await emit({ type: 'changed', backend: backendOf({ phase: 'starting', ready: 1 }) });
  await emit({ type: 'changed', backend: backendOf() });
  const said = await screen.findByText('etl is running.');
  expect(said.getAttribute('aria-live')).toBe('polite');
});

test('an admin sees the team and why the catalogue is not in use; others do not', async () => {
  const backends = [backendOf(), backendOf({ id: 'bobs', owner: 'bob' })];
  const catalogue = { problem: 'profiles.big: cores must be at most 64.' };
  const admin = await show({ backends, catalogue, me: { admin: true } });
  await screen.findByText(/cores must be at most 64/);
  expect(names()).toEqual(['etl-1']);
  await keys.click(screen.getByText('Team 2'));
  const bobs = await screen.findByRole('region', { name: 'bob' });
  expect(bobs.textContent).toContain('1 backend · 8 cores · 16 GiB');
  await keys.click(within(bobs).getByRole('button', { name: 'More about etl' }));
  await keys.click(screen.getByRole('menuitem', { name: 'Stop' }));
  expect(admin.actions.stop.mock.calls[0][0].id).toBe('bobs');
  admin.drawn.unmount();
  await show({ backends, catalogue });
  expect(screen.queryByText(/Team/)).toBeNull();
  expect(names()).toEqual(['etl-1']);
});

describe('which go where', () => {
  const viewer = { user: 'ann', session: '', groups: ['geo'] };
  const ids = (backends: Backend[]) => backends.map(({ id }) => id);

  test('oldest first, so that nothing moves; the ended newest first', () => {
    const found = sections(
      [
        backendOf({ id: 'new', created: minutes(-1) }),
        backendOf({ id: 'old', created: minutes(-9) }),
        backendOf({ id: 'x', phase: 'stopped', created: minutes(-9) }),
        backendOf({ id: 'y', phase: 'stopped', created: minutes(-1) })
      ],
      viewer
    );
    expect(ids(found.here)).toEqual(['old', 'new']);
    expect(ids(found.ended)).toEqual(['y', 'x']);
  });

  test('shared by a group of mine; what only an admin sees is nowhere', () => {
    const share = (group: string) => [{ user: null, group, access: 'read' as const }];
    const found = sections(
      [
        backendOf({ id: 'geo', owner: 'bob', shares: share('geo') }),
        backendOf({ id: 'bio', owner: 'bob', shares: share('bio') })
      ],
      viewer
    );
    expect(ids(found.shared)).toEqual(['geo']);
    expect(found.here.length + found.elsewhere.length).toBe(0);
  });

  test('search: every word, anywhere', () => {
    const all = [backendOf({ id: 'a', name: 'Train' }), backendOf({ id: 'b', name: 'etl' })];
    expect(ids(search(all, 'train dask'))).toEqual(['a']);
    expect(ids(search(all, 'train slurm'))).toEqual([]);
    expect(ids(search(all, ' '))).toEqual(['a', 'b']);
  });

  test('the team: live ones count', () => {
    const [ann, bob] = team([
      backendOf({ id: 'b', owner: 'bob' }),
      backendOf({ id: 'a' }),
      backendOf({ id: 'c', phase: 'failed' })
    ]);
    expect([ann?.owner, ann?.backends.length, ann?.used.cores]).toEqual(['ann', 2, 8]);
    expect(bob?.used.memory).toBe(16 * GIB);
  });
});

describe('quota bars', () => {
  const shown = (over: object) =>
    bars(meOf(over), ENGLISH).map(({ name, text }) => `${name} ${text}`);

  test('used of the limit', () => {
    expect(shown({})).toEqual(['Cores 18 / 32', 'Memory 36 / 96 GiB']);
  });

  test('without a limit what the platform has free; without that nothing', () => {
    const total = { ...NONE, cores: 64, memory: 256 * GIB };
    const capacity = { local: { total, free: { ...NONE, cores: 14, memory: 100 * GIB } } };
    expect(shown({ limits: {}, capacity })).toEqual([
      'Cores 18 · 14 free',
      'Memory 36 GiB · 100 GiB free'
    ]);
    expect(shown({ limits: {} })).toEqual([]);
  });

  test('what cannot be had at all is no bar', () => {
    expect(shown({ limits: { gpus: 0 } })).toEqual([]);
    expect(shown({ limits: { gpus: 2, backends: 5 } })).toEqual(['Backends 2 / 5', 'GPUs 0 / 2']);
  });
});

describe('runs', () => {
  const run = jest.fn();
  const runs = { open: jest.fn() } as unknown as RunActions;
  const shown = () =>
    screen.queryAllByRole('article').map(card => card.getAttribute('data-run') ?? 'a backend');
  const tab = (name: string) => keys.click(screen.getByRole('tab', { name }));

  test('K70 T129 have a section of their own, the newest first, and change in place', async () => {
    const other = runOf({ id: 'bob-1', owner: 'bob' });
    const { emit } = await show({
      backends: [backendOf()],
      runs: [failedRun({ created: minutes(-9) }), runOf(), other],
      options: { runs, run }
    });
    expect(shown()).toEqual(['a backend']);
    await tab('Runs 2');
    expect(shown()).toEqual(['seismic-1', 'report-1']);
    const card = screen.getByRole('article', { name: 'seismic-nightly' });
    expect(card.textContent).toContain('cell 7 of 11 · Dask cluster 4 workers');
    const done = runOf({ state: 'succeeded', ended: minutes(0) });
    await emit({ type: 'run', run: { ...done, steps: done.steps.slice(0, 2) } });
    expect(shown()).toEqual(['seismic-1', 'report-1']);
    expect(screen.getByRole('article', { name: 'seismic-nightly' })).toBe(card);
    await emit({ type: 'run-removed', id: 'report-1' });
    expect(shown()).toEqual(['seismic-1']);
    await keys.click(screen.getByText('+ Run…'));
    expect(run).toHaveBeenCalledTimes(1);
    await tab('Backends 1');
    expect(screen.getByText('+ Launch')).toBeTruthy();
  });

  test('those that have ended are folded after some', async () => {
    const old = [...Array(12).keys()].map(n =>
      runOf({ id: `old-${n}`, state: 'succeeded', created: minutes(-100 - n) })
    );
    await show({ runs: [...old, runOf()], options: { runs, run } });
    await tab('Runs 13');
    expect(shown()).toHaveLength(9);
    await keys.click(screen.getByRole('button', { name: 'Show 4 more' }));
    expect(shown()).toHaveLength(13);
  });

  test('of hundreds only some are shown at a time, and they can be looked for', async () => {
    const old = [...Array(200).keys()].map(n =>
      runOf({ id: `old-${n}`, name: `sweep ${n}`, state: 'succeeded', created: minutes(-100 - n) })
    );
    await show({ runs: [...old, failedRun(), runOf()], options: { runs, run } });
    await tab('Runs 202');
    expect(shown()).toHaveLength(9);
    await keys.click(screen.getByRole('button', { name: 'Show 40 of 193 more' }));
    expect(shown()).toHaveLength(49);
    await keys.type(screen.getByRole('searchbox', { name: 'Find runs' }), 'sweep 19');
    expect(shown()).toHaveLength(12);
    await keys.clear(screen.getByRole('searchbox', { name: 'Find runs' }));
    await keys.selectOptions(screen.getByRole('combobox', { name: 'Which runs' }), 'failed');
    expect(shown()).toEqual(['report-1']);
    await keys.type(screen.getByRole('searchbox', { name: 'Find runs' }), 'sweep');
    expect(screen.getByText('No run fits.')).toBeTruthy();
  });

  test('without any it is said what they are', async () => {
    await show({ runs: [], options: { runs, run } });
    await tab('Runs 0');
    expect(screen.getByText(/A run executes a notebook/)).toBeTruthy();
  });

  test('that end are told to a screen reader', async () => {
    const { emit } = await show({ runs: [runOf()], options: { runs, run } });
    await emit({ type: 'run', run: runOf({ state: 'failed', message: 'Step plot has failed.' }) });
    const said = 'The run seismic-nightly has failed. Step plot has failed.';
    expect(await screen.findByText(said)).toBeTruthy();
  });

  test('a service that knows none has no section for them', async () => {
    await show({ options: { runs, run } });
    expect(screen.queryByRole('tab')).toBeNull();
  });
});

test('K74: schedules stand below the backends, and are asked for when they have changed', async () => {
  const schedules = [scheduleOf()];
  const options = { schedules: { suspend: jest.fn(), remove: jest.fn(), open: jest.fn() } };
  const { emit } = await show({ backends: [backendOf()], schedules, options });
  const group = await screen.findByRole('region', { name: 'By the clock' });
  expect(within(group).getByRole('article', { name: 'office hours' })).toBeTruthy();
  await keys.click(within(group).getByRole('button', { name: 'Pause office hours' }));
  expect(options.schedules.suspend).toHaveBeenCalledWith(schedules[0], true);
  schedules.pop();
  await emit({ type: 'schedules' });
  await waitFor(() => expect(screen.queryByRole('region', { name: 'By the clock' })).toBeNull());
});
