import type { AnyModel } from '@anywidget/types';
import { act, fireEvent, render, screen } from '@testing-library/react';

import type { Backend } from '../src/model';
import widget from '../src/widget';
import { type About, Control, PATIENCE, type Saved, UNDO } from '../src/widget/control';
import { dashboardUrl } from '../src/widget/dashboard';
import { Widget } from '../src/widget/Widget';
import { ARKOUDA, DASK } from './card.stage';

const BACKEND: Backend = {
  id: 'etl-aaaabbbbccccdddd',
  name: 'etl',
  kind: 'dask',
  platform: 'local',
  profile: 'small',
  owner: 'ada',
  session: '',
  options: { workers: 2, cores: 1, memory: '1 GiB' },
  resources: { backends: 1, workers: 2, cores: 2, memory: 2 ** 31, gpus: 0 },
  lifetime: { idle: null, maximum: null },
  keep: false,
  shares: [],
  needed: null,
  created: '2026-01-01T00:00:00Z',
  phase: 'running',
  reason: '',
  message: '',
  remedy: '',
  ready: 2,
  wanted: 2,
  started: '2026-01-01T00:00:05Z',
  ended: null,
  idle_since: null,
  expires: null,
  usage: { cpu: 0.5, memory: 2 ** 29 },
  stages: [],
  roles: ['scheduler'],
  versions: {}
};

const ABOUT: About = {
  user: 'ada',
  session: '',
  dashboard: '/services/alongside/backends/etl-aaaabbbbccccdddd/dashboard/status',
  own: true,
  kind: DASK
};

type Sent = { request: number; do: string; value: unknown };

/** What a front end hands to a widget, with the kernel's side in the test's hands. */
class FakeModel {
  readonly sent: Sent[] = [];
  private readonly handlers = new Map<string, Set<(value: unknown) => void>>();

  constructor(private state: Saved) {}

  get = (name: keyof Saved) => this.state[name];
  on = (name: string, handler: (value: unknown) => void) => {
    this.handlers.set(name, (this.handlers.get(name) ?? new Set()).add(handler));
  };
  off = (name: string, handler: (value: unknown) => void) => {
    this.handlers.get(name)?.delete(handler);
  };
  send = (content: Sent) => void this.sent.push(content);

  get listeners(): number {
    return [...this.handlers.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** The kernel says something of its own. */
  change(state: Partial<Saved>): void {
    this.state = { ...this.state, ...state };
    for (const name of Object.keys(state)) {
      this.emit(`change:${name}`, undefined);
    }
  }

  async answer(request: number, problem: unknown = null): Promise<void> {
    this.emit('msg:custom', { answer: request, problem });
    await Promise.resolve();
  }

  as(): AnyModel<Saved> {
    return this as unknown as AnyModel<Saved>;
  }

  private emit(name: string, value: unknown): void {
    for (const handler of this.handlers.get(name) ?? []) {
      handler(value);
    }
  }
}

function saved(backend: Partial<Backend> = {}, about: Partial<About> = {}): Saved {
  return { view: { ...BACKEND, ...backend }, problem: null, about: { ...ABOUT, ...about } };
}

async function shown(state = saved()) {
  const model = new FakeModel(state);
  const control = new Control(model.as());
  render(<Widget control={control} />);
  await act(() => model.answer(1));
  return { model, control };
}

function last(model: FakeModel): Sent {
  const sent = model.sent.at(-1);
  if (!sent) {
    throw new Error('nothing was sent');
  }
  return sent;
}

function told(): HTMLElement {
  return screen.getByRole('status', { name: 'Problems' });
}

/** Press, and wait until several presses would have been one change. */
function step(name: 'More' | 'Fewer'): void {
  fireEvent.click(screen.getByRole('button', { name }));
  act(() => void jest.advanceTimersByTime(1_000));
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('what the kernel tells is on the card', async () => {
  const { model } = await shown();
  expect(screen.getByRole('article', { name: 'etl' }).textContent).toContain('2 of 2 workers');
  act(() => model.change({ view: { ...BACKEND, ready: 3, wanted: 3 } }));
  expect(screen.getByRole('article').textContent).toContain('3 of 3 workers');
});

test('the stepper asks the kernel, and waits for its answer', async () => {
  const { model } = await shown();
  step('More');
  expect(last(model)).toMatchObject({ do: 'scale', value: 3 });
  const { length } = model.sent;
  step('More');
  expect(model.sent).toHaveLength(length);
  await act(() => model.answer(last(model).request));
  step('Fewer');
  expect(last(model)).toMatchObject({ do: 'scale', value: 1 });
});

test('what is refused is said with its remedy, until it is dismissed', async () => {
  const { model } = await shown();
  step('More');
  await act(() =>
    model.answer(last(model).request, { detail: 'Your quota is used up.', remedy: 'Stop one.' })
  );
  expect(told().textContent).toContain('Your quota is used up. Stop one.');
  fireEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
  expect(told().textContent).toBe('');
});

test('a stop can be undone; otherwise it is sent', async () => {
  const { model } = await shown();
  fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
  fireEvent.click(screen.getByRole('button', { name: /Undo/ }));
  act(() => void jest.advanceTimersByTime(2 * UNDO));
  expect(model.sent.map(({ do: what }) => what)).toEqual(['hello']);
  fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
  act(() => void jest.advanceTimersByTime(UNDO));
  expect(last(model)).toMatchObject({ do: 'stop' });
});

test('a service that is away is told, and nothing can be asked for', async () => {
  const { model } = await shown();
  const problem = { detail: 'The service does not answer.', remedy: 'Wait.' };
  act(() => model.change({ problem }));
  expect(told().textContent).toBe('The service does not answer. Wait.');
  step('More');
  expect(model.sent).toHaveLength(1);
  act(() => model.change({ problem: {} as Saved['problem'] }));
  expect(told().textContent).toBe('');
});

test('without a kernel it is what was last seen, and says so', async () => {
  const model = new FakeModel(saved());
  render(<Widget control={new Control(model.as())} />);
  await act(() => jest.advanceTimersByTimeAsync(PATIENCE));
  expect(told().textContent).toContain('Run the cell again.');
  fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
  expect(screen.queryByRole('button', { name: /Undo/ })).toBeNull();
});

test('a name is text, whatever is in it', async () => {
  await shown(saved({ name: '<img src=x onerror=alert(1)>', message: '<b>bold</b>' }));
  expect(screen.getByRole('article', { name: '<img src=x onerror=alert(1)>' })).toBeTruthy();
  expect(document.querySelector('img, b')).toBeNull();
});

test('state that is none of ours draws no card', async () => {
  const nothing = { view: {}, problem: null, about: undefined } as unknown as Saved;
  const control = new Control(new FakeModel(nothing).as());
  render(<Widget control={control} />);
  expect(screen.queryByRole('article')).toBeNull();
});

test('a model may be shown twice, and leaves nothing behind', async () => {
  const model = new FakeModel(saved());
  const { initialize, render: show } = widget();
  const end = initialize({ model: model.as() });
  const places = [document.createElement('div'), document.createElement('div')];
  document.body.append(...places);
  const ends: (() => void)[] = [];
  act(() => {
    ends.push(...places.map(el => show({ model: model.as(), el })));
  });
  expect(screen.getAllByRole('article')).toHaveLength(2);
  fireEvent.click(screen.getAllByRole('button', { name: 'Stop' })[0] as HTMLElement);
  expect(screen.getAllByRole('button', { name: /Undo/ })).toHaveLength(2);
  act(() => ends.forEach(unmount => void unmount()));
  end();
  expect(last(model)).toMatchObject({ do: 'stop' }); // what waited is sent
  expect(model.listeners).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});

const HERE = { href: 'https://hub.example.org/user/ada/lab/tree/a.ipynb' };

function page(config: object | null): Pick<Document, 'getElementById'> {
  const element = config && { textContent: JSON.stringify(config) };
  return { getElementById: () => element as HTMLElement | null };
}

test.each([
  [
    'the session itself serves it',
    {},
    { baseUrl: '/user/ada/', federated_extensions: [{ name: 'jupyterhub-alongside' }] },
    'https://hub.example.org/user/ada/alongside/backends/x%2Fy/dashboard/status'
  ],
  [
    'a page of the hub without the extension',
    {},
    { baseUrl: '/user/ada/' },
    'https://hub.example.org/services/alongside/backends/etl-aaaabbbbccccdddd/dashboard/status'
  ],
  ['elsewhere a path leads nowhere', {}, null, null],
  ['elsewhere a URL does', { dashboard: 'https://h.org/d' }, null, 'https://h.org/d'],
  ['a script is no page', { dashboard: 'javascript:alert(1)' }, null, null],
  ['nor is another host without a scheme', { dashboard: '//evil.org/' }, {}, null]
])('where the dashboard is: %s', (_, about, config, expected) => {
  expect(dashboardUrl({ ...ABOUT, ...about }, 'x/y', page(config), HERE)).toBe(expected);
});

describe('what starts again for another size', () => {
  const GROUP = { kind: 'arkouda', options: { locales: 2 } };
  const told = { step: 'saving', message: 'Saving a', done: 1, of: 2, remedy: '' } as const;

  test('is asked for below the card, and the kernel saves and loads', async () => {
    const { model } = await shown(saved(GROUP, { kind: ARKOUDA }));
    expect(screen.queryByRole('button', { name: 'More' })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Scale…' }));
    const resize = screen.getByRole('button', { name: 'Scale' });
    expect(resize.getAttribute('aria-disabled')).toBe('true');
    fireEvent.change(screen.getByLabelText('Locales'), { target: { value: '5' } });
    fireEvent.click(resize);
    expect(last(model)).toMatchObject({ do: 'scale', value: 5, discard: false });
    expect(screen.queryByLabelText('Locales')).toBeNull();
  });

  test('shows how far it is, and how it failed until that is dismissed', async () => {
    const { model } = await shown(saved(GROUP, { kind: ARKOUDA }));
    act(() => model.change({ progress: told }));
    expect(screen.getByRole('article').textContent).toContain('Saving a (1 of 2)');
    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    expect(screen.queryByRole('button', { name: /Undo/ })).toBeNull();
    const failed = { ...told, step: 'failed', message: 'The disk is full.' } as const;
    act(() => model.change({ progress: failed }));
    expect(screen.getByRole('article').textContent).toContain('The disk is full.');
    fireEvent.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.getByRole('article').textContent).not.toContain('The disk is full.');
    act(() => model.change({ progress: { ...told, step: 'done' } }));
    expect(screen.queryByRole('progressbar')).toBeNull();
  });
});
