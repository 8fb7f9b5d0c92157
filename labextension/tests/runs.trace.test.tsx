/** What made a file: how the steps of a trace are read, and what the tab shows of them. */
import { cleanup, configure, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { useState } from 'react';

import { RunRequests } from '../src/runs/requests';
import {
  type Act,
  baseOf,
  makerOf,
  select,
  type Trace,
  type TracedFile,
  whereOf
} from '../src/runs/tracing';
import type { Store } from '../src/store';
import { ENGLISH as trans } from '../src/words';
import { refusal, stage } from './dialogs.stage';

configure({ asyncUtilTimeout: 10_000 });
jest.setTimeout(30_000);
beforeAll(() => Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false }));
afterEach(cleanup);

/** A file of which the name's first letter is the content. */
function file(name: string, over: Partial<TracedFile> = {}): TracedFile {
  const place = `file:///data/${encodeURIComponent(name)}`;
  return { name, place, sha256: name.slice(0, 1).repeat(64), now: 'same', ...over };
}

const DAY = 86_400_000;
const NOON = Date.parse('2026-11-22T12:00:00Z');

function actOf(step: string, days: number, over: Partial<Act> = {}): Act {
  const ended = NOON - days * DAY;
  return {
    run: `run-of-${step}`,
    workflow: 'foam',
    step,
    owner: 'ada',
    origin: '',
    executor: 'local',
    attempt: 1,
    started: new Date(ended - 5000).toISOString(),
    ended: new Date(ended).toISOString(),
    code: { name: 'sh', place: '["sh", "-c", "wc -w"]', sha256: '', now: '' },
    software: {},
    image: '',
    host: 'node7',
    backend: '',
    members: 0,
    values: {},
    results: {},
    read: [],
    made: [],
    after: [],
    ...over
  };
}

const SEGMENT = actOf('segment', 3, {
  code: file('notebook.ipynb', { now: 'changed' }),
  values: { threshold: 6 },
  software: { Python: '3.11.7' },
  backend: 'dask',
  members: 4,
  origin: 'schedule nightly',
  read: [file('image 1.npy', { now: 'missing' })],
  made: [file('segments')]
});
const COUNT = actOf('count', 2, { read: [file('segments')], results: { n: 3 } });
const REPORT = actOf('report', 1, {
  attempt: 2,
  read: [file('title.txt')],
  made: [file('report.txt')],
  after: [['run-of-count', 'count']]
});

function traceOf(over: Partial<Trace> = {}): Trace {
  const acts = [REPORT, COUNT, SEGMENT];
  const paths = { [file('report.txt').place]: 'foam/report.txt' };
  return { file: file('report.txt'), acts, runs: 3, more: 0, paths, ...over };
}

describe('a trace', () => {
  test('names files as people do', () => {
    expect(whereOf(file('image 1.npy').place)).toBe('/data/image 1.npy');
    expect(whereOf('s3://bucket/a%20b')).toBe('s3://bucket/a%20b');
    expect(whereOf('file:///data/%')).toBe('file:///data/%');
    expect(baseOf('file:///data/segments/')).toBe('segments');
    expect(baseOf('executed.ipynb')).toBe('executed.ipynb');
  });

  test('knows which step has made what another one has read: before that, and there', () => {
    const elsewhere = actOf('elsewhere', 2.5, { made: [file('s')] });
    const later = actOf('later', 1, { made: [file('segments')] });
    const [read] = COUNT.read as [TracedFile];
    expect(makerOf(read, COUNT, [later, elsewhere, SEGMENT])).toBe(SEGMENT);
    expect(makerOf(read, COUNT, [later, elsewhere])).toBe(elsewhere);
    expect(makerOf(read, COUNT, [later])).toBeUndefined();
  });

  test('T122 is looked through by run, file, notebook, value, origin and time', () => {
    const found = (query: string, days = 0) =>
      select(traceOf().acts, query, days, NOON).map(({ step }) => step);
    expect(found('')).toEqual(['report', 'count', 'segment']);
    expect(found('RUN-OF-count')).toEqual(['count']);
    expect(found('/data/segments')).toEqual(['count', 'segment']);
    expect(found('notebook.ipynb threshold 6')).toEqual(['segment']);
    expect(found('nightly')).toEqual(['segment']);
    expect(found('', 2)).toEqual(['report', 'count']);
    expect(found('nothing')).toEqual([]);
  });

  test('is asked for as the server extension has it', async () => {
    const file = jest.fn(async () => ({ text: async () => '{"acts": []}' }) as Blob);
    const requests = new RunRequests({ json: jest.fn(), file });
    expect(await requests.trace({ path: 'a b.txt' }, true, 7)).toEqual({ acts: [] });
    expect(file).toHaveBeenLastCalledWith('trace?path=a+b.txt&derived=true&limit=7');
    await requests.trace({ run: 'r', step: 's', name: 'n' }, false, 1);
    expect(file).toHaveBeenLastCalledWith('trace?run=r&step=s&name=n&derived=false&limit=1');
  });
});

describe('the tab', () => {
  const rules = {
    'color-contrast': { enabled: false },
    region: { enabled: false },
    'label-content-name-mismatch': { enabled: false } // asks for a canvas
  };
  const user = userEvent.setup();

  async function show(trace: (derived: boolean, limit: number) => Promise<Trace>) {
    const { TraceView } = await import('../src/runs/TraceView');
    const { store } = await stage();
    const actions = { run: jest.fn(), file: jest.fn(), copy: jest.fn() };
    const wanted = { path: 'foam/report.txt' };
    const requests = {
      trace: jest.fn((_: unknown, derived: boolean, limit: number) => trace(derived, limit))
    };
    function Tab() {
      const [derived, setDerived] = useState(false);
      return (
        <TraceView
          {...{ wanted, derived, requests, actions, trans }}
          store={store as Store}
          onDerived={setDerived}
        />
      );
    }
    const { container } = render(<Tab />);
    return { actions, requests, container };
  }

  test('T122 shows step by step what the file goes back to, and leads to all of it', async () => {
    const { actions, container } = await show(async () => traceOf());
    const list = await screen.findByRole('list', { name: '/data/report.txt' });
    const steps = within(list).getAllByRole('article');
    expect(steps.map(step => step.querySelector('h3')?.textContent)).toEqual([
      'report',
      'count',
      'segment'
    ]);
    const [report, count, segment] = steps as [HTMLElement, HTMLElement, HTMLElement];
    expect(screen.getByText('It goes back to 3 steps.')).toBeTruthy();
    expect(report.textContent).toContain('ada · attempt 2');
    for (const told of [
      'schedule nightly',
      'threshold = 6',
      '4 workers',
      'node7',
      'changed since'
    ]) {
      expect(segment.textContent).toContain(told);
    }
    expect(segment.textContent).toContain('image 1.npy iiiiiiiiiiii no longer there');
    expect(count.textContent).toContain('sh -c wc -w');

    // from what was read to the step that made it, also by values; then away
    await user.click(within(report).getByRole('button', { name: 'Go to step count' }));
    expect(document.activeElement).toBe(count);
    await user.click(within(count).getByRole('button', { name: 'Go to step segment' }));
    expect(document.activeElement).toBe(segment);
    await user.click(within(segment).getByRole('button', { name: /^Executed notebook/ }));
    expect(actions.run).toHaveBeenLastCalledWith('run-of-segment', 'segment', 'notebook');
    await user.click(within(count).getByRole('button', { name: 'See run foam, step count' }));
    expect(actions.run).toHaveBeenLastCalledWith('run-of-count', 'count');
    expect(within(count).queryByRole('button', { name: /^Executed/ })).toBeNull();
    await user.click(within(report).getByRole('button', { name: 'Open report.txt' }));
    expect(actions.file).toHaveBeenLastCalledWith('foam/report.txt');
    await user.click(screen.getByRole('button', { name: 'Copy command' }));
    expect(actions.copy).toHaveBeenCalledWith('r'.repeat(64), false);
    expect((await axe.run(container, { rules })).violations).toEqual([]);

    await user.type(screen.getByRole('searchbox', { name: 'Find steps' }), 'threshold');
    expect(within(list).getAllByRole('article')).toHaveLength(1);
    expect(screen.getByText('1 of 3 steps')).toBeTruthy();
  });

  test('a file that was changed since is told as what it was', async () => {
    await show(async () => traceOf({ file: file('report.txt', { now: 'changed' }) }));
    expect(await screen.findByText(/^report\.txt is another one now/)).toBeTruthy();
  });

  test('T122 where nothing is known that is said; earlier runs and what was made of it can be asked for', async () => {
    const { requests } = await show(async (derived, limit) =>
      derived
        ? traceOf({ acts: [REPORT] })
        : traceOf({ acts: [], runs: limit, more: limit < 1000 ? 1 : 0 })
    );
    expect(await screen.findByText(/^Nothing in 100 runs is known that made it\./)).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Look at earlier ones, too' }));
    expect(await screen.findByText(/^Nothing in 1000 runs is known/)).toBeTruthy();
    await user.click(screen.getByRole('tab', { name: 'What was made of it' }));
    expect(await screen.findByText('1 step has used it.')).toBeTruthy();
    expect(requests.trace).toHaveBeenLastCalledWith(expect.anything(), true, 1000);
  });

  test('what is refused says why, and can be asked again', async () => {
    let refused = true;
    await show(async () => {
      if (refused) {
        throw refusal(404);
      }
      return traceOf();
    });
    expect(await screen.findByText(/It is refused/)).toBeTruthy();
    refused = false;
    await user.click(screen.getByRole('button', { name: 'Look again' }));
    expect(await screen.findByText('It goes back to 3 steps.')).toBeTruthy();
  });
});
