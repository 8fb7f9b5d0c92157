/** One backend's card. */
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';

import type { Actions } from '../src/components/actions';
import { BackendCard, type BackendCardProps } from '../src/components/BackendCard';
import { ENGLISH } from '../src/words';
import { backendOf, DASK, HISTORY, minutes, NOW, stagesOf } from './card.stage';

function actionsOf(): { [K in keyof Required<Actions>]: jest.Mock } {
  const names = [
    'attach',
    'scale',
    'logs',
    'dashboard',
    'share',
    'extend',
    'keep',
    'stop',
    'undo',
    'retry',
    'dismiss',
    'copy',
    'callOff',
    'noted'
  ] as const;
  return Object.fromEntries(names.map(name => [name, jest.fn()])) as ReturnType<typeof actionsOf>;
}

function show(over: Partial<BackendCardProps> = {}) {
  const actions = actionsOf();
  const props = {
    backend: backendOf(),
    kind: DASK,
    history: HISTORY,
    actions,
    trans: ENGLISH,
    user: 'ann',
    session: '',
    now: NOW,
    ...over
  };
  const { rerender, container } = render(<BackendCard {...props} />);
  const again = (more: Partial<BackendCardProps>) => rerender(<BackendCard {...props} {...more} />);
  return { actions, again, container, card: screen.getByRole('article') };
}

const button = (name: string | RegExp) => screen.getByRole('button', { name });
const keys = userEvent.setup();

describe('what a card says', () => {
  test('running: size, use and end', () => {
    const { card } = show();
    expect(screen.getByRole('article', { name: 'etl' })).toBe(card);
    expect(card.textContent).toContain('4 of 4 workers · 8 cores · 16 GiB');
    expect(card.textContent).toContain('working');
    expect(card.textContent).toContain('CPU 50 %');
    expect(card.textContent).toContain('Memory 8 of 16 GiB');
    expect(screen.getByRole('img', { name: /^CPU: 4 of 8 cores now, 6 at most$/ })).toBeTruthy();
    expect(card.textContent).toContain('Ends in 7 h, or with this session');
  });

  test('K48: which step computes on it, and how many wait', () => {
    const of = (...together: boolean[]) =>
      together.map((one, n) => ({
        run: `run-${n}`,
        workflow: 'report',
        step: `fit${n}`,
        attempt: 1,
        together: one,
        since: minutes(-n)
      }));
    const { card, again } = show({ backend: backendOf({ reservations: of(false) }) });
    expect(card.textContent).toContain('Step fit0 of report computes on itEnds in');
    again({ backend: backendOf({ reservations: of(false, true, true) }) });
    expect(card.textContent).toContain('computes on it · 2 wait');
    again({ backend: backendOf({ reservations: of(true, true, false, true) }) });
    expect(card.textContent).toContain('computes on it · beside 1 other · 2 wait');
    again({ backend: backendOf({ reservations: of(true, true) }) });
    expect(card.textContent).toContain('computes on it · beside 1 otherEnds in');
  });

  test('attached, idle, kept', () => {
    const { card, again } = show({ attached: true });
    expect(card.textContent).toContain('attached ✓');
    const idle = backendOf({ idle_since: minutes(-22), expires: minutes(8), keep: true });
    again({ backend: idle, attached: false });
    expect(card.textContent).toContain('idle 22 min');
    expect(card.textContent).toContain('Ends in 8 min without work');
  });

  test('one that ends soon can be given more time', async () => {
    const backend = backendOf({ idle_since: minutes(-22), expires: minutes(8) });
    const { actions } = show({ backend });
    await keys.click(button('Keep for 30 min'));
    expect(actions.extend).toHaveBeenCalledWith(backend);
  });

  test('starting: what is done, and what is waited for', () => {
    const { card } = show({
      backend: backendOf({
        phase: 'starting',
        ready: 0,
        reason: 'InsufficientCpu',
        message: 'No node has room.',
        remedy: 'Wait, or choose fewer cores.',
        stages: stagesOf('Starting Dask', 'Dask answers', 'No node has room.')
      })
    });
    const lines = within(screen.getByRole('list')).getAllByRole('listitem');
    expect(lines.map(line => line.textContent)).toEqual([
      '✓ Starting Dask',
      '✓ Dask answers',
      '… No node has room. Wait, or choose fewer cores.'
    ]);
    expect(card.textContent).toContain('starting');
  });

  test('scaling: from where to where, and go on with what is there', async () => {
    const backend = backendOf({ phase: 'scaling', ready: 4, wanted: 6 });
    const { card, actions } = show({ backend });
    expect(card.textContent).toContain('scaling 4 → 6');
    await keys.click(button('Keep 4'));
    expect(actions.scale).toHaveBeenCalledWith(backend, 4);
  });

  test('failed: cause, sentence, remedy, and what mends it', async () => {
    const backend = backendOf({
      phase: 'failed',
      reason: 'ImageNotFound',
      message: "team/train:7 isn't in the registry.",
      remedy: 'Choose another image.',
      expires: null
    });
    const { card, actions } = show({ backend });
    expect(card.textContent).toContain(
      "Image not found. team/train:7 isn't in the registry. Choose another image."
    );
    await keys.click(button('Change and retry'));
    await keys.click(button('Dismiss'));
    expect(actions.retry).toHaveBeenCalledWith(backend);
    expect(actions.dismiss).toHaveBeenCalledWith(backend);
    expect(screen.queryByRole('button', { name: 'Attach' })).toBeNull();
  });

  test('stopping and stopped', () => {
    const { card, again } = show({ backend: backendOf({ phase: 'stopping' }) });
    expect(card.textContent).toContain('stopping');
    expect(button('Attach').getAttribute('aria-disabled')).toBe('true');
    again({ backend: backendOf({ phase: 'stopped', ended: minutes(-5), message: 'Idle.' }) });
    expect(card.textContent).toContain('ended 5 min ago');
    expect(button('Launch again')).toBeTruthy();
  });

  test('versions that do not fit are named, both of them', () => {
    const mismatches = [{ library: 'distributed', here: '2026.1', there: '2026.3' }];
    const { card } = show({ backend: backendOf({ mismatches }) });
    expect(card.textContent).toContain('distributed is 2026.1 here and 2026.3 there');
  });

  test('markup in names stays text', () => {
    const evil = '<img src=x onerror="alert(1)">';
    const { card, container } = show({
      backend: backendOf({ name: evil, message: evil, owner: evil, phase: 'failed' })
    });
    expect(screen.getByRole('article', { name: evil })).toBe(card);
    expect(container.querySelector('img')).toBeNull();
  });
});

describe('what a card allows', () => {
  const refused = async (name: string, actions: ReturnType<typeof actionsOf>, why: string) => {
    const found = screen.getByRole('button', { name, description: why });
    expect(found.getAttribute('aria-disabled')).toBe('true');
    await keys.click(found);
    expect(actions.attach).not.toHaveBeenCalled();
  };

  test('not before it runs, and says so', async () => {
    const { actions } = show({ backend: backendOf({ phase: 'starting', roles: [] }) });
    await refused('Attach', actions, 'Wait until it is running.');
    await refused('Logs', actions, 'There are no logs yet.');
  });

  test('nothing while the service does not answer', async () => {
    const { actions } = show({ blocked: 'The service does not answer.' });
    await refused('Attach', actions, 'The service does not answer.');
  });

  test('nothing while a change is on its way', async () => {
    const { actions } = show({ busy: true });
    await refused('Attach', actions, 'A change of it is on its way.');
  });

  test('what another shares to look at cannot be attached', async () => {
    const share = { user: 'ann', group: null, access: 'read' as const };
    const { actions, card } = show({ backend: backendOf({ owner: 'bob', shares: [share] }) });
    await refused('Attach', actions, 'You may only look at it. Ask bob to let you attach.');
    expect(card.textContent).toContain('From bob; you may look at it');
    expect(screen.queryByRole('button', { name: 'Scale…' })).toBeNull();
  });

  test('what another shares to attach can be attached', async () => {
    const share = { user: null, group: 'geo', access: 'attach' as const };
    const backend = backendOf({ owner: 'bob', shares: [share] });
    const { actions } = show({ backend, groups: ['geo'] });
    await keys.click(button('Attach'));
    expect(actions.attach).toHaveBeenCalledWith(backend);
  });

  test('an admin may stop it but not connect to it', async () => {
    const backend = backendOf({ owner: 'bob' });
    const { actions } = show({ backend, admin: true });
    expect(button('Attach').getAttribute('aria-disabled')).toBe('true');
    await keys.click(button('More about etl'));
    await keys.click(screen.getByRole('menuitem', { name: 'Stop' }));
    expect(actions.stop).toHaveBeenCalledWith(backend);
  });

  test('an action that nobody brings has no button', () => {
    show({ actions: { logs: () => undefined } });
    expect(screen.getAllByRole('button').map(({ textContent }) => textContent)).toEqual(['Logs']);
  });

  test('a stop can be taken back while it waits', async () => {
    const { actions, card } = show({ stopsAt: NOW + 3500 });
    expect(card.textContent).toContain('Stopping in 4 s');
    await keys.click(button('Undo stopping etl'));
    expect(actions.undo).toHaveBeenCalled();
    expect(screen.queryByRole('button', { name: 'Attach' })).toBeNull();
  });

  test('the widget steps the number of workers, several presses at once', async () => {
    const { actions, card } = show({ density: 'widget' });
    expect(card.textContent).toContain('4 of 4 workers');
    await keys.click(button('More'));
    await keys.click(button('More'));
    expect(screen.getByRole('status').textContent).toBe('6');
    await screen.findByText('4', { selector: 'output' });
    expect(actions.scale).toHaveBeenCalledTimes(1);
    expect(actions.scale.mock.calls[0][1]).toBe(6);
  });
});

describe('menus by keyboard', () => {
  const focused = () => document.activeElement?.textContent;

  test('open, move, choose, and be back at the button', async () => {
    const { actions } = show();
    button('Dashboards of etl').focus();
    await keys.keyboard('{ArrowDown}');
    expect(screen.getByRole('menu', { name: 'Dashboards of etl' })).toBeTruthy();
    expect(focused()).toBe('Status');
    await keys.keyboard('{ArrowDown}');
    expect(focused()).toBe('Task stream');
    await keys.keyboard('{End}');
    expect(focused()).toBe('System');
    await keys.keyboard('{ArrowDown}');
    expect(focused()).toBe('Status');
    await keys.keyboard('g');
    expect(focused()).toBe('Graph');
    await keys.keyboard('{Enter}');
    expect(actions.dashboard).toHaveBeenCalledWith(expect.anything(), 'individual-graph');
    expect(screen.queryByRole('menu')).toBeNull();
    expect(document.activeElement).toBe(button('Dashboards of etl'));
  });

  test('Escape closes it, and so does a press elsewhere', async () => {
    show();
    await keys.click(button('More about etl'));
    await keys.keyboard('{Escape}');
    expect(screen.queryByRole('menu')).toBeNull();
    expect(document.activeElement).toBe(button('More about etl'));
    await keys.click(button('More about etl'));
    await keys.click(document.body);
    expect(screen.queryByRole('menu')).toBeNull();
  });

  test('each backend gives the code and the command that do the same', async () => {
    const { actions } = show();
    await keys.click(button('More about etl'));
    await keys.click(screen.getByRole('menuitem', { name: 'Copy command' }));
    expect(actions.copy).toHaveBeenCalledWith(expect.anything(), 'shell');
  });

  test('an entry that cannot be chosen says why and does nothing', async () => {
    const { actions } = show({ blocked: 'The service does not answer.' });
    await keys.click(button('More about etl'));
    const description = 'The service does not answer.';
    const stop = screen.getByRole('menuitem', { name: 'Stop', description });
    await keys.click(stop);
    expect(actions.stop).not.toHaveBeenCalled();
  });
});

test.each(['pending', 'starting', 'running', 'scaling', 'stopping', 'stopped', 'failed'] as const)(
  'axe finds nothing in a card that is %s',
  async phase => {
    const { container } = show({ backend: backendOf({ phase, message: 'So it is.' }) });
    // jsdom draws nothing: what needs a picture is checked in a browser
    const rules = {
      'color-contrast': { enabled: false },
      'label-content-name-mismatch': { enabled: false }
    };
    const found = await axe.run(container, { rules });
    expect(found.violations.map(({ id, help }) => `${id}: ${help}`)).toEqual([]);
  }
);
