/** Arkouda in card and dialogs, beside Dask and by the same means. */
import { Dialog } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { act, configure, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';

import { BackendCard, type BackendCardProps } from '../src/components/BackendCard';
import { launchDialog, scaleDialog } from '../src/dialogs';
import { kindsOf, membersTitle } from '../src/kinds';
import type { Backend, Catalogue, Chosen } from '../src/model';
import { BEGINNING, type Progress } from '../src/relaunch/progress';
import { type Attached, type Kernels, Relaunches } from '../src/relaunch/relaunches';
import { ENGLISH } from '../src/words';
import { ARKOUDA, backendOf, NOW } from './card.stage';
import { CATALOGUE, backendOf as offered, stage } from './dialogs.stage';

configure({ defaultHidden: true, asyncUtilTimeout: 10_000 });
jest.setTimeout(30_000);
const trans = nullTranslator.load('jupyterlab');
const user = userEvent.setup();
beforeAll(() => Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: false }));

const GIB = 2 ** 30;
const SIZE = { locales: 3, cores: 2, memory: '8 GiB', rows: 0 };
const RESOURCES = { backends: 1, workers: 3, cores: 6, memory: 24 * GIB, gpus: 0 };
const GROUP: Partial<Backend> = {
  kind: 'arkouda',
  options: SIZE,
  resources: RESOURCES,
  ready: 3,
  wanted: 3,
  roles: ['server'],
  versions: { arkouda: 'v2026.07.15' },
  facts: { 'Arkouda server': 'v2026.07.15', 'Memory limit': '7.2 GiB of each locale', Port: '5555' }
};

/** What is on offer where Arkouda stands beside Dask. */
function catalogue(unavailable: object | null = null): Catalogue {
  const copy = JSON.parse(JSON.stringify(CATALOGUE)) as Catalogue;
  const number = (title: string, over: object) => ({ title, type: 'integer', minimum: 1, ...over });
  const [profile] = copy.profiles;
  Object.assign(profile?.backends ?? {}, {
    arkouda: {
      ...ARKOUDA,
      description: 'Arrays larger than a laptop.',
      lifetime: { idle: '2 h', maximum: '12 h' },
      required: false,
      unavailable,
      schema: {
        type: 'object',
        properties: {
          locales: number('Locales', {
            default: 2,
            maximum: 8,
            description: "Number of locales, the server's own included."
          }),
          cores: number('Cores each', { default: 1, maximum: 4 }),
          memory: { title: 'Memory each', type: 'string', format: 'memory', default: '2 GiB' },
          rows: number('Rows of the largest column', { default: 0, minimum: 0 })
        }
      }
    }
  });
  return { ...copy, kinds: { ...copy.kinds, arkouda: { ...ARKOUDA, scaling: 'relaunch' } } };
}

describe('its card', () => {
  function show(over: Partial<BackendCardProps> = {}) {
    const actions = {
      attach: jest.fn(),
      scale: jest.fn(),
      dashboard: jest.fn(),
      callOff: jest.fn(),
      noted: jest.fn()
    };
    const props = {
      backend: backendOf(GROUP),
      kind: ARKOUDA,
      history: [],
      actions,
      trans: ENGLISH,
      user: 'ann',
      session: '',
      now: NOW,
      ...over
    };
    const drawn = render(<BackendCard {...props} />);
    return { actions, card: drawn.getByRole('article'), drawn };
  }

  test('says its size in its own words, what each locale has, and its facts', async () => {
    const { card, drawn } = show();
    expect(card.textContent).toContain('Arkouda locale group');
    expect(card.textContent).toContain('3 of 3 locales · 6 cores · 24 GiB · 8 GiB each');
    expect(card.textContent).not.toMatch(/worker|dask/i);
    await user.click(drawn.getByText('About it'));
    expect(drawn.getByText('7.2 GiB of each locale')).toBeTruthy();
    // the library of the same name is not told twice, another one is
    expect(drawn.getAllByText('v2026.07.15')).toHaveLength(2);
    expect((await axe.run(card)).violations).toEqual([]);
  });

  test('has no dashboards, and asks before it starts again', async () => {
    const { actions, drawn } = show();
    expect(drawn.queryByRole('button', { name: /Dashboard/ })).toBeNull();
    await user.click(drawn.getByRole('button', { name: 'Scale…' }));
    expect(actions.scale.mock.calls[0].slice(1)).toEqual([]);
  });

  test('in a notebook there is no stepper, as a press would lose data', () => {
    const { drawn } = show({ density: 'widget' });
    expect(drawn.queryByRole('group', { name: 'Locales' })).toBeNull();
    expect(drawn.getByRole('button', { name: 'Scale…' })).toBeTruthy();
  });

  test('shows how far a change of size is, and lets it be called off in time', async () => {
    const relaunch: Progress = {
      ...BEGINNING,
      step: 'saving',
      message: 'Saving a',
      done: 1,
      of: 4
    };
    const { actions, card, drawn } = show({ relaunch, busy: true });
    expect(card.textContent).toContain('Saving a (1 of 4)');
    expect(drawn.getByRole('progressbar', { name: 'Save' }).getAttribute('aria-valuenow')).toBe(
      '1'
    );
    await user.click(drawn.getByRole('button', { name: 'Call off changing the size of etl' }));
    expect(actions.callOff).toHaveBeenCalledTimes(1);
    expect((await axe.run(card)).violations).toEqual([]);
    drawn.unmount();
    const late = show({ relaunch: { ...relaunch, step: 'starting', of: 0 }, busy: true });
    expect(late.drawn.queryByRole('button', { name: /Call off/ })).toBeNull();
  });

  test('a change of size that failed says what to do, until it is dismissed', async () => {
    const relaunch: Progress = {
      ...BEGINNING,
      step: 'restoring',
      end: 'failed',
      message: 'One array could not be loaded.',
      remedy: 'Load it from /data/a.'
    };
    const { actions, card, drawn } = show({ relaunch });
    expect(card.textContent).toContain('One array could not be loaded. Load it from /data/a.');
    await user.click(drawn.getByRole('button', { name: 'Dismiss' }));
    expect(actions.noted).toHaveBeenCalledTimes(1);
  });
});

let staged: Awaited<ReturnType<typeof stage>>;

async function begin(backends: Backend[] = [], unavailable: object | null = null): Promise<void> {
  staged = await stage(backends);
  staged.service.catalogue_ = async () => catalogue(unavailable);
  staged.service.me_.used = { ...RESOURCES, memory: GIB, cores: 1, workers: 1 };
  await staged.store.refresh();
  await waitFor(() => expect(staged.store.kinds.arkouda?.member).toBe('locale'));
}

afterEach(() => {
  Dialog.flush();
  staged?.store.dispose();
});

const button = (name: string) => screen.getByRole('button', { name });
const pressable = (name: string) => button(name).getAttribute('aria-disabled') === 'false';
const write = async (label: string, text: string) => {
  await user.clear(screen.getByLabelText(label));
  await user.type(screen.getByLabelText(label), text);
};

describe('Launch', () => {
  // a dialog that a test leaves open is flushed
  const launch = (wish = {}) => void launchDialog(staged, trans, wish).catch(() => undefined);

  test('offers it beside Dask, with its own words and one size', async () => {
    await begin();
    launch({ kind: 'arkouda' });
    await screen.findByLabelText('Locales');
    expect(screen.getByText('Size of the Arkouda locale group')).toBeTruthy();
    expect(screen.getByText(/the server's own included/)).toBeTruthy();
    await write('Locales', '4');
    expect(screen.getByText('4 locales × (1 core · 2 GiB)')).toBeTruthy();
    expect(screen.getByRole('meter', { name: 'Quota: Workers and locales' })).toBeTruthy();
  });

  test('says before the button what the service thinks of the size', async () => {
    await begin();
    const advice = 'A column of 1,000,000,000 rows takes 7.45 GiB: choose at least 6 locales.';
    staged.service.onCheck = async () => ({ advice, resources: RESOURCES }) as Chosen;
    launch({ kind: 'arkouda' });
    await screen.findByLabelText('Rows of the largest column');
    await write('Rows of the largest column', '1000000000');
    expect(await screen.findByText(advice)).toBeTruthy();
    expect(staged.service.checked.at(-1)?.options?.rows).toBe(10 ** 9);
  });

  test('a kind that cannot run there is shown with why, and can not be chosen', async () => {
    const why = { detail: 'There is no Arkouda server here.', remedy: 'Ask an administrator.' };
    await begin([], why);
    launch();
    await screen.findByLabelText('Workers');
    const choice = screen.getByRole<HTMLInputElement>('radio', { name: 'Arkouda locale group' });
    expect(choice.disabled).toBe(true);
    expect(screen.getByText('There is no Arkouda server here. Ask an administrator.')).toBeTruthy();
  });

  test('asked for by name, why it cannot be had stands before the button', async () => {
    const why = { detail: 'There is no Arkouda server here.', remedy: 'Ask an administrator.' };
    await begin([], why);
    launch({ kind: 'arkouda' });
    await screen.findByLabelText('Locales');
    expect(screen.getByRole('status').textContent).toContain('There is no Arkouda server here.');
    expect(pressable('Launch')).toBe(false);
  });
});

describe('Scale', () => {
  const ONE = offered({
    ...GROUP,
    id: 'one',
    name: 'big',
    profile: 'dask-small',
    options: { ...SIZE, cores: 1, memory: '1 GiB' },
    resources: { ...RESOURCES, cores: 3, memory: 3 * GIB }
  });

  class Notebooks implements Kernels {
    readonly changed = new Signal<this, void>(this);
    code = '';
    print: (line: object) => void = () => undefined;
    end: () => void = () => undefined;
    constructor(private readonly paths: string[]) {}

    attached = (): Attached[] => this.paths.map(path => ({ kernel: path, path }));
    forget = jest.fn();
    interrupt = jest.fn(async () => undefined);

    execute = jest.fn((_: string, code: string, hear: (text: string) => void) => {
      this.code = code;
      this.print = line => hear(`${JSON.stringify({ alongside: 'relaunch', ...line })}\n`);
      return new Promise<null>(resolve => {
        this.end = () => resolve(null);
      });
    });
  }

  async function open(...paths: string[]) {
    await begin([ONE]);
    const notebooks = new Notebooks(paths);
    const relaunches = new Relaunches(notebooks, ENGLISH);
    const answer = scaleDialog(staged, trans, 'one', undefined, relaunches);
    answer.catch(() => undefined);
    await screen.findByLabelText('Locales');
    return { notebooks, relaunches, answer };
  }

  test('saves and restores what the attached notebook has, and shows how far that is', async () => {
    const { notebooks, answer } = await open('work.ipynb');
    expect(pressable('Scale')).toBe(false);
    await write('Locales', '5');
    expect(screen.getByText(/What work.ipynb has in it is saved to files/)).toBeTruthy();
    await user.click(button('Scale'));
    expect(notebooks.code).toContain('.from_panel("one", {"locales": 5}, False)');
    await waitFor(() => expect(button('Call off')).toBeTruthy());
    act(() => notebooks.print({ step: 'saving', message: 'Saving prices', done: 1, of: 2 }));
    expect(await screen.findByText('Saving prices (1 of 2)')).toBeTruthy();
    expect((await axe.run(screen.getByRole('dialog'), WITHOUT_LAYOUT)).violations).toEqual([]);
    act(() => notebooks.print({ step: 'starting', message: 'Starting 5 locales' }));
    await waitFor(() => expect(button('Close')).toBeTruthy());
    act(() => notebooks.print({ step: 'done', message: 'All is back.' }));
    notebooks.end();
    expect((await answer)?.id).toBe('one');
    expect(staged.service.changed).toEqual([]); // the kernel asks the service, not the dialog
  });

  test('a failure stays in the dialog, with the inputs to try again', async () => {
    const { notebooks } = await open('work.ipynb');
    await write('Locales', '5');
    await user.click(button('Scale'));
    act(() => {
      notebooks.print({ step: 'verifying' });
      notebooks.print({ step: 'failed', message: 'A file is missing.', remedy: 'Try again.' });
    });
    notebooks.end();
    expect(await screen.findByText('A file is missing. Try again.')).toBeTruthy();
    expect(screen.getByLabelText<HTMLInputElement>('Locales').value).toBe('5');
    await waitFor(() => expect(pressable('Scale')).toBe(true));
    expect(button('Cancel')).toBeTruthy();
  });

  test('called off before anything is stopped, it stays as it is', async () => {
    const { notebooks, relaunches } = await open('work.ipynb');
    await write('Locales', '5');
    await user.click(button('Scale'));
    act(() => notebooks.print({ step: 'saving' }));
    await user.click(await screen.findByRole('button', { name: 'Call off' }));
    expect(notebooks.interrupt).toHaveBeenCalledTimes(1);
    notebooks.end();
    await waitFor(() => expect(relaunches.of('one')).toBeUndefined());
    expect(screen.getByLabelText('Locales')).toBeTruthy();
  });

  test('without a notebook what is lost is said, and has to be agreed to', async () => {
    const { notebooks, answer } = await open();
    await write('Locales', '2');
    expect(screen.getByText(/No notebook is attached here/)).toBeTruthy();
    expect(pressable('Scale')).toBe(false);
    await user.click(screen.getByLabelText('That may be lost.'));
    await user.click(button('Scale'));
    await answer;
    expect(staged.service.changed).toEqual([{ id: 'one', patch: { options: { locales: 2 } } }]);
    expect(notebooks.execute).not.toHaveBeenCalled();
  });

  test('of several notebooks one is carried over, and the loss of the others agreed to', async () => {
    const { notebooks, answer } = await open('a.ipynb', 'b.ipynb');
    await write('Locales', '5');
    expect(screen.getByText(/What b.ipynb has in it is lost/)).toBeTruthy();
    await user.click(screen.getByRole('radio', { name: 'b.ipynb' }));
    expect(screen.getByText(/What a.ipynb has in it is lost/)).toBeTruthy();
    expect(pressable('Scale')).toBe(false);
    await user.click(screen.getByLabelText('That may be lost.'));
    await user.click(button('Scale'));
    expect(notebooks.execute.mock.calls[0]?.[0]).toBe('b.ipynb');
    act(() => notebooks.print({ step: 'done' }));
    notebooks.end();
    await answer;
    expect(notebooks.forget.mock.calls).toEqual([['a.ipynb']]);
  });

  test('starting empty has to be agreed to, too', async () => {
    const { notebooks } = await open('work.ipynb');
    await write('Locales', '5');
    await user.click(screen.getByLabelText('Start empty: save nothing'));
    expect(pressable('Scale')).toBe(false);
    await user.click(screen.getByLabelText('That may be lost.'));
    await user.click(button('Scale'));
    expect(notebooks.code).toContain(', True)');
  });
});

/** Rules that need a page that is laid out. */
const WITHOUT_LAYOUT = { rules: { 'color-contrast': { enabled: false } } };

test('words of all kinds, and of a service that does not tell them', () => {
  const all = catalogue();
  expect(membersTitle(kindsOf(all), ENGLISH)).toBe('Workers and locales');
  const { kinds: _, ...older } = all;
  expect(kindsOf(older as Catalogue).arkouda).toEqual(ARKOUDA);
  expect(membersTitle({}, ENGLISH)).toBe('Members');
});
