import { LineList } from '../src/plugins/logs/LineList';
import { beyond, Lines, matching, pieces } from '../src/plugins/logs/lines';
import { follow, type Status } from '../src/plugins/logs/stream';
import { Refusal } from '../src/requests';

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i}`);

test('the last lines are kept, and it says how many have gone', () => {
  const lines = new Lines(10);
  expect(lines.add(numbered(0, 8))).toBe(0);
  expect(lines.add(numbered(8, 12))).toBe(2);
  expect(lines.all).toEqual(numbered(2, 12));
  lines.add(numbered(12, 40));
  expect(lines.all).toEqual(numbered(30, 40));
});

describe('a stream that goes on', () => {
  test.each([
    [numbered(0, 9), numbered(0, 9), []],
    [numbered(0, 9), numbered(3, 12), numbered(9, 12)],
    [numbered(0, 9), numbered(7, 12), numbered(9, 12)],
    [numbered(0, 9), numbered(20, 25), numbered(20, 25)],
    [[], numbered(0, 3), numbered(0, 3)],
    [['a'], ['a', 'b'], ['b']]
  ])('%#: has only what is new', (known, tail, fresh) => {
    expect(beyond(known, tail)).toEqual(fresh);
  });
});

test('what is searched for is found in upper and lower case, and is no pattern', () => {
  expect(pieces('a Worker, a worker', 'worker')).toEqual([
    { text: 'a ', hit: false },
    { text: 'Worker', hit: true },
    { text: ', a ', hit: false },
    { text: 'worker', hit: true }
  ]);
  expect(pieces('f(x)', '(x')).toEqual([
    { text: 'f', hit: false },
    { text: '(x', hit: true },
    { text: ')', hit: false }
  ]);
  expect(pieces('', 'x')).toEqual([{ text: '', hit: false }]);
  expect(matching(['A', 'b', 'ab'], 'a')).toBe(2);
  expect(matching(['A'], '')).toBe(0);
});

test('lines are text, whatever is in them', () => {
  const list = new LineList(document.createElement('div'));
  list.show(['<img src=x onerror=alert(1)> & b'], 'b', false);
  expect(list.node.querySelector('img')).toBeNull();
  expect(list.node.textContent).toBe('<img src=x onerror=alert(1)> & b');
  expect(list.node.querySelector('mark')?.textContent).toBe('b');
});

test('old lines go from the screen, and only those that fit stay when asked', () => {
  const list = new LineList(document.createElement('div'));
  list.show(numbered(0, 3), '', false);
  list.add(numbered(3, 5), 2, numbered(2, 5), true);
  expect(list.node.children).toHaveLength(3);
  list.show(numbered(0, 12), 'line 1', true);
  expect(list.node.children).toHaveLength(3);
  expect(list.hits).toBe(3);
  list.add(['line 12', 'other'], 0, [...numbered(0, 13), 'other'], true);
  expect(list.node.children).toHaveLength(4);
});

test('a log goes on after its stream broke, without saying anything twice', async () => {
  const seen: string[] = [];
  const states: Status['state'][] = [];
  const abort = new AbortController();
  let tries = 0;
  async function* logs(): AsyncGenerator<string[]> {
    tries++;
    if (tries === 1) {
      yield numbered(0, 6);
      throw new Refusal({ detail: 'The session does not answer.', remedy: 'Wait.' });
    }
    yield numbered(0, 8);
  }
  const listener = {
    added: (lines: readonly string[]) => seen.push(...lines),
    status: ({ state }: Status) => states.push(state)
  };
  await follow({ logs }, 'etl', 'scheduler', new Lines(), () => tries < 1, listener, abort.signal);
  expect(seen).toEqual(numbered(0, 8));
  expect(states).toContain('broken');
  expect(states.at(-1)).toBe('ended');
});

test('a log that may not be seen is not asked for again', async () => {
  let tries = 0;
  // biome-ignore lint/correctness/useYield: it is refused before there is anything
  async function* logs(): AsyncGenerator<string[]> {
    tries++;
    throw new Refusal({ detail: 'No.', remedy: 'Ask.', status: 403 });
  }
  const states: Status[] = [];
  const listener = { added: () => undefined, status: (status: Status) => states.push(status) };
  const { signal } = new AbortController();
  await follow({ logs }, 'etl', 'scheduler', new Lines(), () => true, listener, signal);
  expect(tries).toBe(1);
  expect(states.at(-1)).toEqual({ state: 'broken', problem: 'No. Ask.' });
});
