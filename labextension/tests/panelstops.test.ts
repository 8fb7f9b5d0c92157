/** Stops that can be taken back. */
import { PendingStops } from '../src/panel/stops';
import { backendOf } from './card.stage';

const sent: [id: string, leaving: boolean][] = [];
let answer: () => Promise<void>;
let stops: PendingStops;

beforeEach(() => {
  jest.useFakeTimers();
  sent.length = 0;
  answer = async () => undefined;
  stops = new PendingStops(async (id, leaving) => {
    sent.push([id, leaving]);
    await answer();
  });
});

afterEach(() => {
  stops.dispose();
  jest.useRealTimers();
});

test('is sent after five seconds, once', async () => {
  const backend = backendOf();
  stops.stop(backend);
  stops.stop(backend);
  expect(stops.at('etl-1')).toBe(Date.now() + 5000);
  await jest.advanceTimersByTimeAsync(4999);
  expect(sent).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([['etl-1', false]]);
  expect(stops.at('etl-1')).toBeUndefined();
  expect(stops.sending('etl-1')).toBe(false);
});

test('undone in time, nothing is sent; too late is too late', async () => {
  const changed = jest.fn();
  stops.changed.connect(changed);
  stops.stop(backendOf());
  expect(stops.undo('etl-1')).toBe(true);
  expect(changed).toHaveBeenCalledTimes(2);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(sent).toEqual([]);
  expect(stops.undo('etl-1')).toBe(false);
});

test('while it is sent, it cannot be asked for again', async () => {
  let done: () => void = () => undefined;
  answer = () =>
    new Promise<void>(resolve => {
      done = resolve;
    });
  stops.stop(backendOf());
  await jest.advanceTimersByTimeAsync(5000);
  expect(stops.sending('etl-1')).toBe(true);
  stops.stop(backendOf());
  expect(stops.at('etl-1')).toBeUndefined();
  done();
  await jest.advanceTimersByTimeAsync(0);
  expect(stops.sending('etl-1')).toBe(false);
});

test('a delay of nothing sends at once', () => {
  const hasty = new PendingStops(
    async id => void sent.push([id, false]),
    () => 0
  );
  hasty.stop(backendOf());
  expect(sent).toEqual([['etl-1', false]]);
  hasty.dispose();
});

test('leaving the page sends what waits, in a way that outlives it', () => {
  stops.stop(backendOf());
  window.dispatchEvent(new Event('pagehide'));
  expect(sent).toEqual([['etl-1', true]]);
});

test('a refusal is told', async () => {
  const failed = jest.fn();
  stops.failed.connect((_, what) => failed(what.backend.id, what.error));
  answer = () => Promise.reject(new Error('no'));
  stops.stop(backendOf());
  await jest.advanceTimersByTimeAsync(5000);
  expect(failed).toHaveBeenCalledWith('etl-1', new Error('no'));
});
