/** The store: a snapshot kept up to date by events, whatever happens to these. */
import { Signal } from '@lumino/signaling';

import type { Backend, Catalogue, Change, State } from '../src/model';
import { Refusal } from '../src/requests';
import type { Run } from '../src/runs/types';
import { type Source, Store } from '../src/store';
import { backendOf } from './card.stage';
import { runOf } from './runs.stage';

type News = Change extends infer Each ? Omit<Each & Change, 'epoch' | 'sequence'> : never;

class Server implements Source {
  epoch = 'one';
  sequence = 0;
  backends: Backend[] = [];
  runs: Run[] | null = null;
  asked = 0;
  asksMe = 0;
  fails = false;
  gate: Promise<void> = Promise.resolve();
  catalogue_ = { profiles: [], kinds: {}, problem: '' } as Catalogue;
  readonly events = new Signal<unknown, Change>({});

  async state(): Promise<State> {
    this.asked++;
    if (this.fails) {
      throw new Refusal({ detail: 'The session does not answer.', remedy: 'Wait.' });
    }
    const { epoch, sequence } = this;
    const backends = this.backends.map(one => ({ ...structuredCopy(one), history: [] }));
    await this.gate;
    return {
      epoch,
      sequence,
      connected: true,
      problem: null,
      session: '',
      user: 'ann',
      alone: false,
      hub: '',
      backends,
      runs: this.runs
    };
  }

  async me() {
    this.asksMe++;
    return { user: 'ann' } as Awaited<ReturnType<Source['me']>>;
  }

  async catalogue() {
    return this.catalogue_;
  }

  emit(news: object): void {
    this.sequence++;
    const change = { epoch: this.epoch, sequence: this.sequence, ...news } as Change;
    this.events.emit(change);
  }

  change(over: Partial<Backend>): void {
    this.emit({ type: 'changed', backend: backendOf(over) } satisfies News | object);
  }
}

function structuredCopy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

let server: Server;
let store: Store;
const settle = () => jest.advanceTimersByTimeAsync(20);

beforeEach(async () => {
  jest.useFakeTimers();
  server = new Server();
  server.backends = [backendOf()];
  store = new Store(server, server.events);
  await store.ready;
  await settle();
});

afterEach(() => {
  store.dispose();
  jest.useRealTimers();
});

test('begins with the snapshot', () => {
  expect(store.loaded).toBe(true);
  expect(store.user).toBe('ann');
  expect([...store.backends.keys()]).toEqual(['etl-1']);
});

test('takes changes, samples and removals in order', async () => {
  const sample = [1, 2, 3];
  server.emit({ type: 'changed', backend: backendOf({ phase: 'scaling' }), sample });
  expect(store.backends.get('etl-1')?.phase).toBe('scaling');
  expect('sample' in (store.backends.get('etl-1') as object)).toBe(false);
  expect(store.history('etl-1')).toEqual([sample]);
  server.emit({ type: 'removed', id: 'etl-1' });
  expect(store.backends.size).toBe(0);
  expect(server.asked).toBe(1);
});

test('200 changes at once are one emission', async () => {
  const told = jest.fn();
  store.changed.connect(told);
  for (let i = 0; i < 200; i++) {
    server.change({ id: `b${i}` });
  }
  expect(told).not.toHaveBeenCalled();
  await settle();
  expect(told).toHaveBeenCalledTimes(1);
  expect(store.backends.size).toBe(201);
  await jest.advanceTimersByTimeAsync(300);
  expect(server.asksMe).toBe(2); // at the start, and once for all of these
});

test('a gap is mended by a new snapshot', async () => {
  server.sequence++; // one is lost
  server.backends = [backendOf({ phase: 'failed' })];
  server.change({ id: 'other' });
  expect(store.backends.has('other')).toBe(false);
  await settle();
  expect(server.asked).toBe(2);
  expect(store.backends.get('etl-1')?.phase).toBe('failed');
});

test.each([
  [
    'another start of the server',
    () => {
      server.epoch = 'two';
      server.sequence = 0;
    },
    'state'
  ],
  ['a reset', () => undefined, 'reset']
])('%s is a new snapshot', async (_, prepare, type) => {
  prepare();
  server.backends = [];
  server.emit({ type, connected: true, problem: null });
  await settle();
  expect(server.asked).toBe(2);
  expect(store.backends.size).toBe(0);
});

test('40 s of silence are a new snapshot, a heartbeat is not', async () => {
  await jest.advanceTimersByTimeAsync(30_000);
  server.emit({ type: 'state', connected: true, problem: null });
  await jest.advanceTimersByTimeAsync(30_000);
  expect(server.asked).toBe(1);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(server.asked).toBe(2);
});

test('what comes while the snapshot is fetched is held, and taken if it is newer', async () => {
  let open: () => void = () => undefined;
  server.gate = new Promise<void>(resolve => {
    open = resolve;
  });
  const before = store.refresh();
  server.change({ id: 'late' }); // after the snapshot was taken
  expect(store.backends.has('late')).toBe(false);
  open();
  await before;
  expect(store.backends.has('late')).toBe(true);
  expect(server.asked).toBe(2);
});

test('what is in the snapshot already is not taken twice', async () => {
  server.backends = [backendOf({ phase: 'failed' })];
  server.sequence = 5;
  await store.refresh();
  server.events.emit({
    epoch: 'one',
    sequence: 3,
    type: 'changed',
    backend: backendOf({ phase: 'running' }),
    sample: null
  });
  expect(store.backends.get('etl-1')?.phase).toBe('failed');
  expect(server.asked).toBe(2);
});

test('a backend that is the same in a new snapshot stays the same object', async () => {
  const before = store.backends.get('etl-1');
  const told = jest.fn();
  store.backend.connect(told);
  await store.refresh();
  expect(store.backends.get('etl-1')).toBe(before);
  expect(told).not.toHaveBeenCalled();
});

test('a server that does not answer is a problem, until it does; what was known stays', async () => {
  server.fails = true;
  void store.refresh();
  await settle();
  expect(store.problem?.detail).toBe('The session does not answer.');
  expect(store.backends.size).toBe(1);
  server.fails = false;
  await jest.advanceTimersByTimeAsync(1000);
  expect(store.problem).toBeNull();
});

test('a service that is gone is a problem; back again, what may be had is asked anew', async () => {
  const problem = { detail: 'The service does not answer.', remedy: 'Wait.' };
  server.emit({ type: 'state', connected: false, problem });
  expect(store.problem).toEqual(problem);
  const asked = server.asksMe;
  server.emit({ type: 'state', connected: true, problem: null });
  expect(store.problem).toBeNull();
  expect(server.asksMe).toBe(asked + 1);
});

test('a server that has not heard from the service yet has no problem yet', async () => {
  server.emit({ type: 'state', connected: false, problem: null });
  expect(store.connected).toBe(false);
  expect(store.problem).toBeNull();
  const asked = server.asksMe;
  server.emit({ type: 'state', connected: true, problem: null });
  expect(store.connected).toBe(true);
  expect(server.asksMe).toBe(asked + 1);
});

test('an answer adds what is new, and does not undo what events told since', () => {
  store.put(backendOf({ id: 'new', phase: 'pending' }));
  expect(store.backends.get('new')?.phase).toBe('pending');
  store.put(backendOf({ phase: 'scaling', keep: true }));
  expect(store.backends.get('etl-1')).toMatchObject({ phase: 'running', keep: true });
  server.emit({ type: 'removed', id: 'etl-1' });
  store.put(backendOf());
  expect(store.backends.has('etl-1')).toBe(false);
});

test('keeps no more than 120 samples, and forgets those of what is gone', () => {
  for (let i = 0; i < 130; i++) {
    server.emit({ type: 'changed', backend: backendOf(), sample: [i, 0, 0] });
  }
  expect(store.history('etl-1')).toHaveLength(120);
  expect(store.history('etl-1')[0]?.[0]).toBe(10);
  server.emit({ type: 'removed', id: 'etl-1' });
  expect(store.history('etl-1')).toEqual([]);
});

test('says nothing once it is disposed', async () => {
  const told = jest.fn();
  store.changed.connect(told);
  store.dispose();
  server.change({ id: 'late' });
  await settle();
  expect(told).not.toHaveBeenCalled();
});

test('T129 runs come with the snapshot and by events, what has not changed stays the same', async () => {
  expect(store.runs).toBeNull(); // an older service knows none
  server.runs = [runOf()];
  void store.refresh();
  await settle();
  const first = store.runs?.get('seismic-1');
  expect(first?.name).toBe('seismic-nightly');
  const heard: (string | undefined)[] = [];
  store.run.connect((_, { after }) => heard.push(after?.state));
  server.emit({ type: 'run', run: runOf() });
  expect(store.runs?.get('seismic-1')).toBe(first);
  server.emit({ type: 'run', run: runOf({ state: 'succeeded' }) });
  server.emit({ type: 'run-removed', id: 'seismic-1' });
  expect(heard).toEqual(['succeeded', undefined]);
  expect(store.runs?.size).toBe(0);
  store.putRun(runOf()); // its own answer comes late
  expect(store.runs?.size).toBe(0);
});
