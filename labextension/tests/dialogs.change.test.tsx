import { Dialog } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { act, configure, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { extendDialog, scaleDialog, shareDialog } from '../src/dialogs';
import type { Backend } from '../src/model';
import { backendOf, CATALOGUE, refusal, stage } from './dialogs.stage';

// JupyterLab shows its dialogs by style sheet, which is not here
configure({ defaultHidden: true, asyncUtilTimeout: 10_000 });
jest.setTimeout(30_000); // the first one loads all that is loaded when it is needed
const trans = nullTranslator.load('jupyterlab');
const user = userEvent.setup();
// what is awaited here are states, not React's own work
beforeAll(() => Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false }));

const GiB = 2 ** 30;
const ONE = backendOf({
  id: 'one',
  profile: 'dask-small',
  created: new Date(Date.now() - 3600_000).toISOString(),
  resources: { backends: 1, workers: 2, cores: 2, memory: 2 * GiB, gpus: 0 }
});
let staged: Awaited<ReturnType<typeof stage>>;
let answer: Promise<Backend | null>;

async function begin(backend: Backend = ONE): Promise<void> {
  staged = await stage([backend]);
  staged.service.me_.used = backend.resources;
  await staged.store.refreshMe();
}

afterEach(() => {
  Dialog.flush();
  staged.store.dispose();
});

function shown(dialog: Promise<Backend | null>): void {
  answer = dialog;
  answer.catch(() => undefined); // a dialog that a test leaves open is flushed
}

const pressable = (name: string) =>
  screen.getByRole('button', { name }).getAttribute('aria-disabled') === 'false';
const press = (name: string) => user.click(screen.getByRole('button', { name }));
const said = () => screen.getByRole('status').textContent;

async function write(label: string, text: string): Promise<void> {
  const input = screen.getByLabelText(label);
  await user.clear(input);
  if (text) {
    await user.type(input, text);
  }
}

describe('Scale', () => {
  async function open(members?: number): Promise<void> {
    shown(scaleDialog(staged, trans, 'one', members));
    await screen.findByLabelText(/^(Workers|At most)$/);
  }

  test('shows the size now and then and what it does to the quota', async () => {
    await begin();
    await open();
    expect(pressable('Scale')).toBe(false);
    expect(screen.getByText('That is its size now.')).toBeTruthy();
    await write('Workers', '4');
    expect(screen.getByText('2 workers → 4 workers')).toBeTruthy();
    const meter = screen.getByRole('meter', { name: 'Quota: Workers and locales' });
    expect(meter.getAttribute('aria-valuetext')).toBe('0 used + 4 of 16');
    await press('Scale');
    expect((await answer)?.id).toBe('one');
    expect(staged.service.changed).toEqual([{ id: 'one', patch: { options: { workers: 4 } } }]);
  });

  test('with a number given, it is filled in', async () => {
    await begin();
    await open(1);
    expect(screen.getByLabelText<HTMLInputElement>('Workers').value).toBe('1');
    expect(
      screen.getByText('What the workers that go have in memory moves to the others first.')
    ).toBeTruthy();
    await user.type(screen.getByLabelText('Workers'), '{Enter}');
    await answer;
    expect(staged.service.changed[0]?.patch).toEqual({ options: { workers: 1 } });
  });

  test('more than the quota leaves is refused before it is sent, less never', async () => {
    await begin();
    staged.service.me_.used = { ...ONE.resources, workers: 15 };
    await staged.store.refreshMe();
    await open();
    await write('Workers', '4');
    await waitFor(() => expect(said()).toContain('Choose at most 3 workers, or stop a backend.'));
    expect(pressable('Scale')).toBe(false);
    staged.service.me_.used = { ...ONE.resources, workers: 40 };
    await staged.store.refreshMe();
    await write('Workers', '1');
    await waitFor(() => expect(pressable('Scale')).toBe(true));
  });

  test('bounds instead of a number, where the work is to decide', async () => {
    await begin();
    await open();
    await user.click(screen.getByRole('radio', { name: 'Adaptive' }));
    await write('At least', '0');
    await write('At most', '3');
    expect(screen.getByText('up to 2 workers → 3 workers')).toBeTruthy();
    await press('Scale');
    await answer;
    expect(staged.service.changed[0]?.patch).toEqual({
      options: { adaptive: { minimum: 0, maximum: 3 } }
    });
  });

  test('a kind that starts again for a new size wants to be told that this is fine', async () => {
    await begin();
    const catalogue = JSON.parse(JSON.stringify(CATALOGUE)) as typeof CATALOGUE;
    const offer = catalogue.profiles[0]?.backends.dask;
    Object.assign(offer ?? {}, { scaling: 'relaunch' });
    staged.service.catalogue_ = async () => catalogue;
    await open();
    await write('Workers', '3');
    expect(screen.getByText(/so what it has in memory is lost/)).toBeTruthy();
    expect(pressable('Scale')).toBe(false);
    await user.click(screen.getByLabelText('That may be lost.'));
    expect(pressable('Scale')).toBe(true);
  });

  test('one that fails while the dialog is open is explained there', async () => {
    await begin();
    await open();
    await write('Workers', '3');
    const backend = { ...ONE, phase: 'failed', message: 'The scheduler ended.', remedy: 'Retry.' };
    act(() => staged.emit({ type: 'changed', backend }));
    await waitFor(() => expect(said()).toBe('The scheduler ended. Retry.'));
    expect(pressable('Scale')).toBe(false);
    act(() => staged.emit({ type: 'removed', id: 'one' }));
    await waitFor(() => expect(said()).toBe('It is not there any more. Launch a new one.'));
    expect(screen.getByLabelText<HTMLInputElement>('Workers').value).toBe('3');
  });

  test('a refusal stays in the dialog, at its input', async () => {
    await begin();
    staged.service.onChange = () =>
      Promise.reject(
        refusal(507, { field: 'options.workers', detail: 'No room.', remedy: 'Ask for less.' })
      );
    await open(4);
    await press('Scale');
    expect(await screen.findByText('Ask for less.')).toBeTruthy();
    expect(said()).toBe('No room. Ask for less.');
  });
});

describe('Share', () => {
  async function open(): Promise<void> {
    shown(shareDialog(staged, trans, 'one'));
    await screen.findByLabelText('Add', { selector: 'input' });
  }
  const list = () => within(screen.getByRole('list', { name: 'Shared with' }));

  test('says what is shared, and what read and attach mean', async () => {
    await begin();
    await open();
    expect(list().getByText('Nobody else can see it.')).toBeTruthy();
    expect(screen.getByText('They see its state and its logs.')).toBeTruthy();
    expect(screen.getByText(/^They also connect to it/)).toBeTruthy();
    expect(pressable('Save')).toBe(false);
  });

  test('people and groups are added and removed, and sent as a list', async () => {
    await begin({ ...ONE, shares: [{ user: 'bob', group: null, access: 'read' }] });
    await open();
    await write('Add', 'eve');
    await user.selectOptions(screen.getByLabelText('Access'), 'attach');
    await user.click(screen.getByRole('button', { name: 'Add' }));
    await user.selectOptions(screen.getByLabelText('User or group'), 'group');
    await write('Add', 'course');
    await user.click(screen.getByRole('button', { name: 'Remove bob' }));
    await user.selectOptions(screen.getByLabelText('Access of eve'), 'read');
    await press('Save'); // "course" is written and not added: it is meant, too
    await answer;
    expect(staged.service.changed[0]?.patch.shares).toEqual([
      { user: 'eve', access: 'read' },
      { group: 'course', access: 'attach' }
    ]);
  });

  test('what makes no sense is said, names are only text', async () => {
    await begin({ ...ONE, shares: [{ user: '<b>bob</b>', group: null, access: 'read' }] });
    await open();
    expect(list().getByText('<b>bob</b>')).toBeTruthy();
    await write('Add', 'ada');
    expect(screen.getByText('It is yours already.')).toBeTruthy();
    await write('Add', '<b>bob</b>');
    expect(screen.getByText('<b>bob</b> is in the list already.')).toBeTruthy();
    expect(pressable('Save')).toBe(false);
  });
});

describe('Extend', () => {
  async function open(): Promise<void> {
    shown(extendDialog(staged, trans, 'one'));
    await screen.findByText('At most 8 h.', { exact: false });
  }

  test('offers what the profile allows, and sends what is different', async () => {
    await begin({ ...ONE, lifetime: { idle: '10 min', maximum: '2 h' } });
    await open();
    expect(pressable('Save')).toBe(false);
    await write('Ends at the latest after', '9 h');
    expect(screen.getByText('Choose at most 8 h.')).toBeTruthy();
    await write('Ends at the latest after', '4 h');
    expect(screen.getByText(/^Counted from its launch: (3 h|2 h 59 min) from now\./)).toBeTruthy();
    await press('Save');
    await answer;
    expect(staged.service.changed[0]?.patch).toEqual({ lifetime: { maximum: '4 h' } });
  });

  test('says what is no time, and what is over already', async () => {
    await begin();
    await open();
    await write('Ends without work after', 'long');
    expect(screen.getByText(/^Write a time with a unit/)).toBeTruthy();
    await write('Ends at the latest after', '30 min');
    expect(screen.getByText('That is over already. Choose a longer time.')).toBeTruthy();
    expect(pressable('Save')).toBe(false);
    await write('Ends without work after', '');
    await write('Ends at the latest after', '');
    expect(pressable('Save')).toBe(true);
  });
});
