/** From a notebook to a run: what is written in the form, and what is asked for with it. */
import { Dialog } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { configure, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { runDialog } from '../src/dialogs';
import type { Me } from '../src/model';
import { begin, stepName, wishOf, workflowOf, wrongOf } from '../src/runs/plan';
import type { Described, Parameter, Run, Step } from '../src/runs/types';
import { changedValues, textsOf, whyWrong } from '../src/runs/values';
import { ENGLISH } from '../src/words';
import { backendOf, type MemoryService, refusal, stage } from './dialogs.stage';
import { runOf } from './runs.stage';

// JupyterLab shows its dialogs by style sheet, which is not here
configure({ defaultHidden: true, asyncUtilTimeout: 10_000 });
jest.setTimeout(30_000);
const trans = nullTranslator.load('jupyterlab');
const user = userEvent.setup();
beforeAll(() => Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false }));

function parameter(name: string, over: Partial<Parameter> = {}): Parameter {
  return {
    name,
    type: 'int',
    nullable: false,
    choices: [],
    default: 10,
    literal: true,
    source: '10',
    required: false,
    cell: 0,
    tagged: true,
    help: '',
    ...over
  };
}

const PARAMETERS = [
  parameter('n', { help: 'how many' }),
  parameter('alpha', { type: 'float', default: 0.5 }),
  parameter('station', { type: 'str', default: 'Aarhus' }),
  parameter('deep', { type: 'bool', default: false }),
  parameter('years', { type: 'list', default: [2020, 2021], tagged: false }),
  parameter('out', { type: 'any', literal: false, default: null, source: 'here()', tagged: false })
];
const DESCRIBED: Described = {
  notebook: 'Etl — Über.ipynb',
  directory: '/data/ada/work',
  kernel: 'python3',
  parameters: PARAMETERS
};

describe('values', () => {
  const [n, alpha, station, deep, years, out] = PARAMETERS as Required<Parameter>[] & {
    length: 6;
  };
  const why = (one: Parameter | undefined, text: string) =>
    whyWrong(one as Parameter, text, ENGLISH) !== '';

  test('what is not of its type is refused at its input', () => {
    expect(['1', ' -3 ', '1.5', 'ten', '', '9007199254740993'].map(one => why(n, one))).toEqual([
      false,
      false,
      true,
      true,
      true,
      true
    ]);
    expect(['1', '1e-3', 'nan', ''].map(one => why(alpha, one))).toEqual([
      false,
      false,
      true,
      true
    ]);
    expect(why(station, 'quotes " and $HOME\nand lines')).toBe(false);
    expect([why(deep, 'true'), why(deep, 'maybe')]).toEqual([false, true]);
    expect([why(years, '[1]'), why(years, '{}'), why(years, '[1')]).toEqual([false, true, true]);
    expect([why(out, ''), why(out, '"x"'), why(out, 'x')]).toEqual([false, false, true]);
  });

  test('one that the notebook needs can not be left out; one that may be None can', () => {
    const needed = parameter('path', { type: 'str', literal: false, required: true });
    expect(why(needed, '')).toBe(true);
    const loose = parameter('limit', { nullable: true, default: 3 });
    expect(changedValues([loose], { limit: '' })).toEqual({ limit: null });
    const few = parameter('mode', { type: 'str', choices: ['fast', 'exact'], default: 'fast' });
    expect(changedValues([few], { mode: '"exact"' })).toEqual({ mode: 'exact' });
    expect(why(few, '"slow"')).toBe(true);
  });

  test('only what differs from the notebook is given', () => {
    const texts = textsOf(PARAMETERS, {});
    expect(changedValues(PARAMETERS, texts)).toEqual({});
    const changed = { ...texts, n: '20', station: '', deep: 'true', years: '[]', out: '{"a": 1}' };
    expect(changedValues(PARAMETERS, changed)).toEqual({
      n: 20,
      station: '',
      deep: true,
      years: [],
      out: { a: 1 }
    });
  });
});

describe('the workflow of one step', () => {
  test('has only what was asked for', () => {
    expect(workflowOf(DESCRIBED, begin(DESCRIBED, {}), null, true)).toEqual({
      name: 'Etl — Über',
      directory: '/data/ada/work',
      steps: [{ name: 'etl-u-ber', notebook: 'Etl — Über.ipynb', parameters: {} }]
    });
  });

  test('and all of it', () => {
    const choice = {
      ...begin(DESCRIBED, { name: 'nightly' }),
      computing: 'own' as const,
      retries: '2',
      timeout: '2 h',
      cache: true,
      output: 'done/{run}.ipynb'
    };
    const own = { kind: 'dask', profile: 'small', options: { workers: 2 } };
    expect(workflowOf(DESCRIBED, choice, own, true)).toMatchObject({
      name: 'nightly',
      steps: [
        {
          backend: own,
          retry: { times: 2 },
          timeout: '2 h',
          cache: true,
          output: 'done/{run}.ipynb'
        }
      ]
    });
  });

  test('is filled in from an earlier run of one notebook, not from others', () => {
    const step = { name: 'etl', notebook: 'etl.ipynb', parameters: { n: 99 }, backend: 'session' };
    const again = (...steps: Step[]) =>
      wishOf({ name: 'before', executor: 'argo', workflow: { name: 'x', directory: '/w', steps } });
    const found = again(step);
    expect(found?.file).toBe('/w/etl.ipynb');
    expect(begin(DESCRIBED, found?.wish ?? {})).toMatchObject({
      name: 'before',
      computing: 'session',
      texts: { n: '99' },
      executor: 'argo'
    });
    // one that travelled is called as where it came from
    expect(again({ ...step, notebook: '/v/etl.ipynb' })?.file).toBe('/v/etl.ipynb');
    expect(again({ ...step, notebook: 's3://bucket/etl.ipynb' })).toBeNull();
    expect(again(step, { ...step, name: 'b' })).toBeNull();
  });

  test('a notebook that computes on the session’s backend is run on it, one that was run as it was', () => {
    expect(begin(DESCRIBED, { computing: 'session' }).computing).toBe('session');
    const step = { name: 'etl', notebook: 'etl.ipynb' };
    expect(begin(DESCRIBED, { computing: 'session', step }).computing).toBe('none');
    expect(begin(DESCRIBED, {}).computing).toBe('none');
  });

  test('numbers and times are looked at', () => {
    const choice = { ...begin(DESCRIBED, {}), retries: '21', timeout: 'soon' };
    expect(Object.keys(wrongOf(DESCRIBED, choice, true, ENGLISH))).toEqual(['retries', 'timeout']);
  });

  test('where there are no files of ours, the executed notebook goes to a URL', () => {
    const to = (output: string) =>
      wrongOf(DESCRIBED, { ...begin(DESCRIBED, {}), output }, false, ENGLISH).output;
    expect([to(''), to('s3://bucket/{run}.ipynb')]).toEqual([undefined, undefined]);
    expect(to('done.ipynb')).toMatch('Write a URL');
  });

  test.each([
    ['a.ipynb', 'a'],
    ['-- --.ipynb', 'notebook'],
    [`${'x'.repeat(80)}.ipynb`, 'x'.repeat(50)]
  ])('the step of %s is called %s', (notebook, name) => {
    expect(stepName(notebook)).toBe(name);
  });
});

describe('the form', () => {
  let staged: Awaited<ReturnType<typeof stage>>;
  let answer: Promise<Run | null>;
  let sent: { workflow: unknown; executor: string | undefined; key: string | undefined }[];
  let onSubmit: () => unknown;

  /** What the server and the service answer about runs. */
  function answering(service: MemoryService): void {
    service.json = async (method: string, path: string, body?: unknown, headers = {}) => {
      if (path.startsWith('notebook-parameters')) {
        return DESCRIBED;
      }
      if (method === 'POST' && path === 'api/runs') {
        const { workflow, executor } = body as { workflow: unknown; executor?: string };
        const key = (headers as Record<string, string>)['Idempotency-Key'];
        sent.push({ workflow, executor, key });
        return onSubmit();
      }
      if (path === 'notebook-content?path=work%2FEtl+%E2%80%94+%C3%9Cber.ipynb') {
        return { cells: [], nbformat: 4 };
      }
      throw new Error(path);
    };
  }

  async function open(
    backends = [backendOf({ owner: 'ada' })],
    note = '',
    who: Partial<Me> = {}
  ): Promise<void> {
    staged = await stage(backends);
    answering(staged.service);
    Object.assign(staged.service.me_, who);
    await staged.store.refreshMe();
    const notebook = { path: 'work/Etl — Über.ipynb' };
    answer = runDialog(staged, trans, { notebook, wish: {}, note });
    answer.catch(() => undefined);
    await screen.findByLabelText('n');
  }

  beforeEach(() => {
    localStorage.clear();
    sent = [];
    onSubmit = () => ({ ...runOf({ owner: 'ada' }), workflow: {} });
  });

  afterEach(() => {
    Dialog.flush();
    staged.store.dispose();
  });

  const button = () => screen.getByRole('button', { name: 'Run' });
  const canPress = (can: boolean) =>
    waitFor(() => expect(button().getAttribute('aria-disabled')).toBe(`${!can}`));

  test('T113 K70 values and place of the executed notebook are asked, and sent', async () => {
    await open();
    expect(screen.getByText('how many')).toBeTruthy();
    expect(screen.getByText('More: other values of the notebook')).toBeTruthy();
    await user.clear(screen.getByLabelText('n'));
    await user.type(screen.getByLabelText('n'), '25');
    await user.selectOptions(screen.getByLabelText('deep'), 'true');
    await user.type(screen.getByLabelText('Executed notebook'), 'done/{{run}.ipynb');
    await canPress(true);
    await user.click(button());
    const run = await answer;
    expect(run).toMatchObject({ id: 'seismic-1' });
    expect(run).not.toHaveProperty('workflow');
    expect(sent[0]?.workflow).toEqual({
      name: 'Etl — Über',
      directory: '/data/ada/work',
      steps: [
        {
          name: 'etl-u-ber',
          notebook: 'Etl — Über.ipynb',
          parameters: { n: 25, deep: true },
          output: 'done/{run}.ipynb'
        }
      ]
    });
    expect(staged.store.runs).toBeNull(); // until the service tells of runs
  });

  test('what is wrong is said where it is, and nothing is sent', async () => {
    await open();
    await user.clear(screen.getByLabelText('n'));
    expect(screen.getByText('Write a whole number.')).toBeTruthy();
    await canPress(false);
    expect(document.querySelector('.alongside-Verdict')?.textContent).toBe(
      '1 value can’t be used.'
    );
  });

  test('a backend of its own is chosen as in the Launch dialog, with the quota', async () => {
    await open();
    await user.click(screen.getByRole('radio', { name: 'Its own' }));
    await user.clear(await screen.findByLabelText('Workers'));
    await user.type(screen.getByLabelText('Workers'), '3');
    const effect = within(screen.getByRole('complementary', { name: 'What will happen' }));
    await waitFor(() => expect(effect.getByText('3 cores · 3 GiB')).toBeTruthy());
    expect(effect.getByRole('meter', { name: 'Quota: Cores' })).toBeTruthy();
    await canPress(true);
    await user.click(button());
    await answer;
    const backend = { kind: 'dask', options: { workers: 3 } };
    expect(sent[0]?.workflow).toMatchObject({ steps: [{ backend }] });
  });

  test('that of the session can be chosen where there is one', async () => {
    await open([]);
    const radio = screen.getByRole<HTMLInputElement>('radio', { name: 'This session’s' });
    expect(radio.disabled).toBe(true);
    expect(screen.getByText('Nothing runs alongside this session.')).toBeTruthy();
  });

  test('tonight, or every working day: a schedule is made instead', async () => {
    await open();
    await user.selectOptions(screen.getByLabelText('Starts'), 'once');
    const schedule = () => screen.getByRole('button', { name: 'Schedule' });
    const at = screen.getByLabelText('At');
    await user.clear(at);
    await user.type(at, 'tonight');
    expect(await screen.findByText(/Write a time of day/)).toBeTruthy();
    await user.clear(at);
    await user.type(at, '23:30');
    const zone = screen.getByLabelText('Time zone');
    await user.clear(zone);
    await user.type(zone, 'Europe/Berlin');
    expect(screen.queryByLabelText('Until')).toBeNull();
    const radio = screen.getByRole<HTMLInputElement>('radio', { name: 'This session’s' });
    expect(radio.disabled).toBe(true);
    await waitFor(() => expect(schedule().getAttribute('aria-disabled')).toBe('false'));
    await user.click(schedule());
    expect(await answer).toBeNull();
    expect(sent).toHaveLength(0);
    const [made] = staged.service.schedulings;
    expect(made?.body).toMatchObject({ name: 'Etl — Über', at: '23:30', zone: 'Europe/Berlin' });
    expect(made?.body.submit?.workflow.steps).toHaveLength(1);
    expect(made?.body).not.toHaveProperty('days');
    expect(staged.store.schedules).toHaveLength(1);
  });

  test('a refusal stays in the dialog; the same request is sent again with the same key', async () => {
    await open([], 'The notebook was saved: what is in its file is run.');
    expect(screen.getByText('The notebook was saved: what is in its file is run.')).toBeTruthy();
    onSubmit = () => {
      throw refusal(0, { detail: 'The session does not answer.' });
    };
    await canPress(true);
    await user.click(button());
    expect(await screen.findByText(/The session does not answer/)).toBeTruthy();
    onSubmit = () => ({ ...runOf(), workflow: {} });
    await canPress(true);
    await user.click(button());
    await answer;
    expect(sent).toHaveLength(2);
    expect(sent[0]?.key).toBe(sent[1]?.key);
  });

  test('who carries it out can be chosen; a notebook travels to where our files are not', async () => {
    await open([], '', { executors: { local: '', argo: '' }, homes: ['local'] });
    const here = screen.getByRole<HTMLInputElement>('radio', { name: 'This machine' });
    expect(here.checked).toBe(true);
    await user.click(screen.getByRole('radio', { name: 'The cluster' }));
    expect(screen.getByText(/the notebook travels with the run/)).toBeTruthy();
    expect(screen.getByText('✓ Begins as soon as the cluster has room.')).toBeTruthy();
    await canPress(true);
    await user.click(button());
    await answer;
    const place = '/data/ada/work/Etl — Über.ipynb';
    expect(sent[0]?.executor).toBe('argo');
    expect(sent[0]?.workflow).toEqual({
      name: 'Etl — Über',
      notebooks: { [place]: { cells: [], nbformat: 4 } },
      steps: [{ name: 'etl-u-ber', notebook: place, parameters: {} }]
    });
  });

  test('with homes on the cluster the notebook is read there', async () => {
    await open([], '', { executors: { argo: '' }, homes: ['argo'] });
    expect(screen.queryByRole('radio', { name: 'The cluster' })).toBeNull(); // there is no choice
    await canPress(true);
    await user.click(button());
    await answer;
    expect(sent[0]?.workflow).toMatchObject({ directory: '/data/ada/work' });
    expect(sent[0]?.workflow).not.toHaveProperty('notebooks');
  });

  test('one that can’t be had says why, and is not chosen by itself', async () => {
    const why = 'Argo Workflows can’t be used here. It is not installed.';
    await open([], '', { executors: { argo: why, local: '' }, homes: ['local'] });
    const cluster = screen.getByRole<HTMLInputElement>('radio', { name: 'The cluster' });
    expect(cluster.disabled).toBe(true);
    expect(screen.getByText(why)).toBeTruthy();
    await canPress(true);
    await user.click(button());
    await answer;
    expect(sent[0]?.executor).toBe('local');
  });

  test('with nobody who could carry it out, that is said before', async () => {
    const why = 'Argo Workflows can’t be used here. It is not installed.';
    await open([], '', { executors: { argo: why }, homes: [] });
    expect(document.querySelector('.alongside-Verdict')?.textContent).toBe(why);
    await canPress(false);
  });
});
