import { Dialog } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { act, configure, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { launchDialog } from '../src/dialogs';
import type { Wish } from '../src/dialogs/choice';
import type { Backend } from '../src/model';
import { backendOf, refusal, stage } from './dialogs.stage';
import { scheduleOf } from './schedules.stage';

// JupyterLab shows its dialogs by style sheet, which is not here
configure({ defaultHidden: true, asyncUtilTimeout: 10_000 });
jest.setTimeout(30_000); // the first one loads all that is loaded when it is needed
const trans = nullTranslator.load('jupyterlab');
const user = userEvent.setup();
// what is awaited here are states, not React's own work
beforeAll(() => Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false }));

let staged: Awaited<ReturnType<typeof stage>>;
let answer: Promise<Backend | null>;

beforeEach(async () => {
  localStorage.clear();
  staged = await stage();
});

afterEach(() => {
  Dialog.flush();
  staged.store.dispose();
});

async function open(wish: Wish = {}): Promise<void> {
  answer = launchDialog(staged, trans, wish);
  answer.catch(() => undefined); // a dialog that a test leaves open is flushed
  await screen.findByLabelText('Cores each');
}

const button = () => screen.getByRole('button', { name: 'Launch' });
const canPress = () => expect(button().getAttribute('aria-disabled')).toBe('false');
const canNotPress = () => expect(button().getAttribute('aria-disabled')).toBe('true');
const verdict = () => screen.getByRole('status').textContent;

async function write(label: string, text: string): Promise<void> {
  const input = screen.getByLabelText(label);
  await user.clear(input);
  if (text) {
    await user.type(input, text);
  }
}

test('the fields are those of the catalogue, with its bounds and defaults', async () => {
  await open();
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'Small' }).checked).toBe(true);
  expect(screen.getByLabelText<HTMLInputElement>('Workers').value).toBe('2');
  expect(screen.getByLabelText<HTMLInputElement>('Memory each').value).toBe('1 GiB');
  expect(screen.getByLabelText<HTMLInputElement>('Cores each').readOnly).toBe(true);
  expect(screen.getByText(/From 512 MiB to 2 GiB\./)).toBeTruthy();
  expect(screen.queryByLabelText('GPUs each')).toBeNull();
  expect(screen.getByLabelText<HTMLInputElement>('Name').placeholder).toBe('dask');
  expect(screen.getByText('or after 30 min without work, at the latest after 8 h')).toBeTruthy();
});

test('the sum, the quota and whether it fits are shown before anything is launched', async () => {
  await open();
  await write('Workers', '4');
  const effect = within(screen.getByRole('complementary', { name: 'You will get' }));
  expect(effect.getByText('4 workers × (1 core · 1 GiB)')).toBeTruthy();
  expect(effect.getByText('4 cores · 4 GiB')).toBeTruthy();
  expect(effect.getByRole('meter', { name: 'Quota: Cores' }).getAttribute('aria-valuetext')).toBe(
    '0 used + 4 of 32'
  );
  expect(verdict()).toBe('✓ Fits now.');
  canPress();
});

test('what can not be used is said at its input, and nothing can be launched', async () => {
  await open();
  await write('Workers', '9');
  expect(screen.getByText('Choose at most 4.')).toBeTruthy();
  expect(screen.getByLabelText('Workers').getAttribute('aria-invalid')).toBe('true');
  await write('Workers', '');
  expect(screen.getByText('Write a whole number.')).toBeTruthy();
  await write('Memory each', 'much');
  expect(screen.getByText(/^Write an amount with a unit/)).toBeTruthy();
  expect(verdict()).toBe('2 values can’t be used.');
  await write('Memory each', '4 GiB');
  expect(screen.getByText('Choose at most 2 GiB.')).toBeTruthy();
  canNotPress();
  await user.click(button());
  expect(staged.service.launched).toEqual([]);
});

test('growing with the work asks for two bounds, and launches with them', async () => {
  await open({ profile: 'dask-large' });
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'Adaptive' }).checked).toBe(true);
  await write('At least', '3');
  await write('At most', '2');
  expect(screen.getByText('Choose at most 2.')).toBeTruthy();
  await write('At most', '5');
  expect(screen.getByText('up to 5 workers × (1 core · 1 GiB)')).toBeTruthy();
  await user.click(button());
  await answer;
  const { options, profile } = staged.service.launched[0]?.body ?? {};
  expect(profile).toBe('dask-large');
  expect(options).toEqual({
    adaptive: { minimum: 3, maximum: 5 },
    cores: 1,
    memory: '1 GiB',
    gpus: 0
  });
});

test('a double click launches once, and the dialog closes with what was launched', async () => {
  let done: (backend: Backend) => void = () => undefined;
  staged.service.onLaunch = () => new Promise(resolve => (done = resolve));
  await open();
  await user.dblClick(button());
  expect(staged.service.launched).toHaveLength(1);
  expect(button().getAttribute('aria-busy')).toBe('true');
  done(backendOf({ id: 'new' }));
  expect((await answer)?.id).toBe('new');
  expect(staged.store.backends.has('new')).toBe(true);
  expect(screen.queryByRole('button', { name: 'Launch' })).toBeNull();
});

test('a refused launch stays open, with sentence and remedy, and nothing is lost', async () => {
  staged.service.onLaunch = () =>
    Promise.reject(refusal(507, { detail: 'No room.', remedy: 'Ask for less.' }));
  await open();
  await write('Workers', '3');
  await write('Name', 'etl');
  await user.click(button());
  expect(await screen.findByText('No room. Ask for less.')).toBeTruthy();
  expect(screen.getByLabelText<HTMLInputElement>('Workers').value).toBe('3');
  expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('etl');
  staged.service.onLaunch = async () => backendOf({ id: 'new' });
  await user.click(button());
  expect((await answer)?.id).toBe('new');
});

test('an answer that got lost is asked for again, not a second backend', async () => {
  staged.service.onLaunch = () => Promise.reject(refusal(0));
  await open();
  await user.click(button());
  await screen.findByText('It is refused. Do better.');
  // it had been launched, and its event comes
  act(() => staged.emit({ type: 'changed', backend: backendOf({ name: 'dask' }) }));
  staged.service.onLaunch = async () => backendOf({ id: 'new' });
  await waitFor(() =>
    expect(screen.getByLabelText<HTMLInputElement>('Name').placeholder).toBe('dask-2')
  );
  await user.click(button());
  await answer;
  const [first, second] = staged.service.launched;
  expect(second).toEqual(first);
});

test('what the service says of one value stands at its input', async () => {
  staged.service.onCheck = body =>
    Promise.reject(
      body.lifetime
        ? refusal(422, { field: 'lifetime.idle', remedy: 'Choose at most 30 min.' })
        : refusal(403, { field: 'options.workers', detail: 'Too many.', remedy: 'Take 1.' })
    );
  await open();
  expect(await screen.findByText('Take 1.')).toBeTruthy();
  expect(verdict()).toBe('Too many. Take 1.');
  canNotPress();
  expect(button().getAttribute('aria-describedby')).toBe(screen.getByRole('status').id);
  await user.click(screen.getByText('More: lifetime'));
  await write('Ends without work after', '1 h');
  expect(await screen.findByText('Choose at most 30 min.')).toBeTruthy();
});

test('quota that is used elsewhere meanwhile is taken into account', async () => {
  await open();
  canPress();
  staged.service.me_.used = { ...staged.service.me_.used, backends: 1, workers: 15 };
  const asked = staged.service.checked.length;
  await act(() => staged.store.refreshMe());
  await waitFor(() => expect(verdict()).toMatch(/^Your quota leaves 1 worker\./));
  expect(verdict()).toContain('Choose at most 1 worker, or stop a backend.');
  expect(screen.getByText(/At most 1 with what is left of your quota\./)).toBeTruthy();
  canNotPress();
  await waitFor(() => expect(staged.service.checked.length).toBeGreaterThan(asked));
});

test('a service that goes away is explained, and the dialog stays', async () => {
  await open();
  await write('Workers', '3');
  const problem = { title: '', detail: 'The service is away.', remedy: 'Wait.' };
  act(() => staged.emit({ type: 'state', connected: false, problem }));
  await waitFor(() => expect(verdict()).toBe('The service is away. Wait.'));
  canNotPress();
  act(() => staged.emit({ type: 'state', connected: true, problem: null }));
  await waitFor(canPress);
  expect(screen.getByLabelText<HTMLInputElement>('Workers').value).toBe('3');
});

test('a catalogue that is not had at once is asked for again when the service is back', async () => {
  const { catalogue_ } = staged.service;
  staged.service.catalogue_ = () => Promise.reject(refusal(503, { detail: 'Away.' }));
  answer = launchDialog(staged, trans);
  answer.catch(() => undefined);
  expect(await screen.findByText('Away. Do better.')).toBeTruthy();
  canNotPress();
  staged.service.catalogue_ = catalogue_;
  const problem = { title: '', detail: 'The service is away.', remedy: 'Wait.' };
  act(() => staged.emit({ type: 'state', connected: false, problem }));
  await screen.findByLabelText('Workers');
});

test('the keyboard suffices: Enter launches, Escape cancels', async () => {
  await open();
  await user.type(screen.getByLabelText('Workers'), '{Enter}');
  expect((await answer)?.id).toBe('new');
  expect(staged.service.launched).toHaveLength(1);
  await open();
  await user.type(screen.getByLabelText('Workers'), '{Escape}');
  expect(await answer).toBeNull();
});

test('the arrow keys move among the cards of profiles', async () => {
  await open();
  screen.getByRole('radio', { name: 'Small' }).focus();
  await user.keyboard('{ArrowDown}');
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'Large' }).checked).toBe(true);
  expect(screen.getByRole('radio', { name: 'Adaptive' })).toBeTruthy();
});

test('the last choice is filled in the next time, a wish goes before it', async () => {
  await open({ profile: 'dask-large' });
  await user.click(screen.getByRole('radio', { name: 'Fixed' }));
  await write('Workers', '6');
  await user.selectOptions(screen.getByLabelText('Ends'), 'keep');
  await user.click(button());
  await answer;
  await open();
  expect(screen.getByLabelText<HTMLInputElement>('Workers').value).toBe('6');
  expect(screen.getByLabelText<HTMLSelectElement>('Ends').value).toBe('keep');
  await user.keyboard('{Escape}');
  await answer;
  const failed = backendOf({
    options: { workers: 1, cores: 1, memory: '512 MiB', adaptive: null }
  });
  await open({ profile: 'dask-small', kind: 'dask', name: 'again', options: failed.options });
  expect(screen.getByLabelText<HTMLInputElement>('Workers').value).toBe('1');
  expect(screen.getByLabelText<HTMLInputElement>('Memory each').value).toBe('512 MiB');
  expect(screen.getByLabelText<HTMLInputElement>('Name').value).toBe('again');
});

test.each([
  ['{'],
  ['[]'],
  ['{"profile": 3}'],
  [
    '{"profile":"gone","kind":"gone","options":{"x":1},"grows":true,"idle":"","maximum":"","keep":false}'
  ]
])('what a browser kept and nobody understands is left aside: %s', async text => {
  localStorage.setItem('jupyterhub-alongside:launch:ada', text);
  await open();
  canPress();
});

test('names from people are shown as text', async () => {
  staged.store.put(backendOf({ name: 'dask' }));
  await open({ name: '<img src=x onerror=alert(1)>' });
  expect(document.querySelector('.alongside-Dialog img')).toBeNull();
  canPress();
  await write('Name', 'dask');
  expect(screen.getByText('There is one of this name already. Choose another name.')).toBeTruthy();
});

describe('K74: by the clock', () => {
  const later = (text: string) => user.selectOptions(screen.getByLabelText('Starts'), text);
  const schedule = () => screen.getByRole('button', { name: 'Schedule' });

  test('every working day, whatever is left of the quota now', async () => {
    staged.service.me_ = { ...staged.service.me_, limits: { workers: 1 } as never };
    await act(() => staged.store.refreshMe());
    await open();
    await waitFor(canNotPress);
    await later('every working day');
    expect(screen.queryByLabelText('Ends')).toBeNull();
    expect(verdict()).toBe('✓ It is launched within what your quota leaves then.');
    expect(schedule().getAttribute('aria-disabled')).toBe('false');
    await user.clear(screen.getByLabelText('Time zone'));
    expect(screen.getByText('Write a time zone, for example Europe/Berlin.')).toBeTruthy();
    expect(schedule().getAttribute('aria-disabled')).toBe('true');
    await write('Time zone', 'Europe/Berlin');
    await write('Name', 'office hours');
    await user.click(schedule());
    expect(await answer).toBeNull();
    expect(staged.service.launched).toEqual([]);
    const [{ body, key } = { body: null, key: '' }] = staged.service.schedulings;
    expect(body).toMatchObject({
      name: 'office hours',
      days: 'Mon-Fri',
      from: '07:00',
      to: '19:00',
      zone: 'Europe/Berlin',
      launch: { kind: 'dask', profile: 'dask-small', options: { workers: 2 } }
    });
    expect(Object.keys(body?.launch ?? {})).not.toContain('keep');
    expect(key).not.toBe('');
    expect(staged.store.schedules.map(({ name }) => name)).toEqual(['office hours']);
  });

  test('what the service says stands at its input, and a name is given once', async () => {
    await open();
    await later('on certain days');
    expect(screen.getByText('Write days, for example Mon,Wed or Sat-Sun.')).toBeTruthy();
    await write('Days', 'Mon,Xyz');
    const errors = [{ field: 'days', message: '', remedy: 'write days like Mon-Fri' }];
    staged.service.onSchedule = () => Promise.reject(refusal(422, { errors }));
    await user.click(schedule());
    expect(await screen.findByText('write days like Mon-Fri')).toBeTruthy();
    expect(staged.service.schedulings).toEqual([]);
    staged.service.scheduled = [scheduleOf({ name: 'dask' })];
    await act(() => staged.store.refreshSchedules());
    await waitFor(() =>
      expect(screen.getByLabelText<HTMLInputElement>('Name').placeholder).toBe('dask-2')
    );
    await later('now');
    expect(screen.getByLabelText<HTMLInputElement>('Name').placeholder).toBe('dask');
    canPress();
  });
});
