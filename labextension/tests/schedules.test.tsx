/** Backends that come and go by the clock: in words, as a card, and kept up to date. */
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';

import { clockAtFirst, clockFindings, scheduleOf as requestOf } from '../src/dialogs/clock';
import type { Schedule } from '../src/model';
import { KnownSchedules } from '../src/schedules/known';
import { ScheduleCard } from '../src/schedules/ScheduleCard';
import { nextText, ownZone, timesText, zoneText } from '../src/schedules/words';
import { ENGLISH } from '../src/words';
import { ARKOUDA, NOW } from './card.stage';
import { scheduleOf } from './schedules.stage';

describe('K74: times in words', () => {
  test.each([
    ['0 7 * * 1-5', '0 19 * * 1-5', 'every working day 07:00–19:00'],
    ['30 22 * * *', '0 6 * * *', 'every day 22:30–06:00'],
    ['0 7 * * 1,3', null, 'Mon, Wed at 07:00'],
    ['0 7 * * 0,6', null, 'Sun, Sat at 07:00'],
    ['0 7 * * 5-7', null, 'Fri–Sun at 07:00'],
    ['0 7 1 * *', null, '0 7 1 * *'],
    ['0 */2 * * *', '30 */2 * * *', '0 */2 * * * – 30 */2 * * *']
  ])('%s, %s', (start, stop, text) => {
    expect(timesText({ start, stop }, ENGLISH)).toBe(text);
  });

  test.each([
    [{}, 'starts Mon 07:00'],
    [{ next_start: '2026-03-01T13:05:00Z' }, 'starts 13:05'],
    [{ next_start: '2026-03-20T07:00:00Z' }, 'starts Mar 20 07:00'],
    [{ zone: 'America/New_York' }, 'starts Mon 02:00'],
    [{ suspended: true }, 'paused'],
    [{ next_start: null }, 'is over'],
    [{ running: 'b', next_stop: '2026-03-01T19:00:00Z' }, 'runs until 19:00'],
    [{ running: 'b', suspended: true, next_stop: null }, 'runs']
  ])('what comes next: %j', (over, text) => {
    expect(nextText(scheduleOf(over), NOW, ENGLISH)).toBe(text);
  });

  test('a zone is named where it is not the own one', () => {
    expect(zoneText({ zone: ownZone() })).toBe('');
    expect(zoneText({ zone: 'America/New_York' })).toBe('America/New York');
  });
});

describe('a card', () => {
  const actions = { suspend: jest.fn(), remove: jest.fn(), open: jest.fn() };
  function show(over: Partial<Schedule> = {}, blocked = '') {
    const schedule = scheduleOf(over);
    const kind = schedule.launch && ARKOUDA;
    const props = { schedule, kind, actions, trans: ENGLISH, blocked, now: NOW };
    const { container } = render(<ScheduleCard {...props} />);
    return { schedule, container };
  }
  const keys = userEvent.setup();

  test('K74: says what starts and when, and can be paused and deleted', async () => {
    const { schedule, container } = show();
    expect(screen.getByRole('article', { name: 'office hours' }).textContent).toContain(
      'starts Mon 07:00every working day 07:00–19:00Arkouda locale group · 4 locales'
    );
    await keys.click(screen.getByRole('button', { name: 'Pause office hours' }));
    expect(actions.suspend).toHaveBeenLastCalledWith(schedule, true);
    await keys.click(screen.getByRole('button', { name: 'Delete office hours' }));
    expect(actions.remove).toHaveBeenLastCalledWith(schedule);
    const rules = { 'color-contrast': { enabled: false }, region: { enabled: false } };
    const said = { 'label-content-name-mismatch': { enabled: false } };
    const { violations } = await axe.run(container, { rules: { ...rules, ...said } });
    expect(violations.map(({ id }) => id)).toEqual([]);
  });

  test('one of a workflow says when, and how its last run has ended', async () => {
    const at = { due: '2026-02-28T22:00:00Z', at: '2026-02-28T22:00:00Z', backend: '' };
    const past = { ...at, outcome: 'started', message: '', remedy: '', stopped: null } as const;
    const { container } = show({
      launch: null,
      workflow: 'report',
      start: '0 22 1 3 *',
      stop: null,
      once: '2026-03-01T22:00:00',
      history: [
        { ...past, run: 'report-1', state: 'failed' },
        { ...past, outcome: 'skipped', run: 'report-1', state: 'failed' }
      ]
    });
    expect(container.textContent).toContain('once, 2026-03-01 22:00');
    expect(screen.getByText('Workflow report')).toBeTruthy();
    await keys.click(screen.getByRole('button', { name: 'failed' }));
    expect(actions.open).toHaveBeenLastCalledWith('report-1');
  });

  test('one that is paused is resumed', async () => {
    const { schedule } = show({ suspended: true, running: 'b' });
    expect(screen.getByText('Paused: not started again.')).toBeTruthy();
    await keys.click(screen.getByRole('button', { name: 'Resume office hours' }));
    expect(actions.suspend).toHaveBeenLastCalledWith(schedule, false);
  });

  test('one that is over can only be deleted', () => {
    show({ next_start: null });
    expect(screen.getByText('is over')).toBeTruthy();
    expect(screen.queryByRole('button', { name: /^Pause/ })).toBeNull();
    expect(screen.getByRole('button', { name: 'Delete office hours' })).toBeTruthy();
  });

  test('why the last start has not come to something', async () => {
    const at = { due: '2026-03-01T07:00:00Z', at: '2026-03-01T07:00:00Z', backend: '' };
    const last = { ...at, outcome: 'refused', message: 'No room.', remedy: 'End one.' } as const;
    show({ history: [{ ...last, run: '', state: '', stopped: null }] }, 'The service is away.');
    expect(screen.getByText(/No room\./).textContent).toContain('No room.');
    const button = screen.getByRole('button', { name: 'Delete office hours' });
    expect(button.getAttribute('title')).toBe('The service is away.');
  });
});

describe('what is asked for', () => {
  const launch = { kind: 'arkouda', name: 'day', profile: 'all', options: {}, keep: true };

  test('the launch of a schedule belongs to no session', () => {
    const clock = { ...clockAtFirst(), on: 'Mon-Fri', zone: ' Europe/Berlin ' } as const;
    expect(clockFindings(clock, ENGLISH)).toEqual({});
    expect(requestOf(clock, launch)).toEqual({
      name: 'day',
      launch: { kind: 'arkouda', profile: 'all', options: {} },
      days: 'Mon-Fri',
      from: '07:00',
      to: '19:00',
      zone: 'Europe/Berlin'
    });
    expect(requestOf({ ...clock, on: 'own', days: 'Mon,Wed', to: '' }, launch)).toMatchObject({
      days: 'Mon,Wed',
      from: '07:00'
    });
  });

  test('what is missing is said at its input', () => {
    const clock = { on: 'own', days: ' ', from: '7', to: 'late', zone: '' } as const;
    expect(Object.keys(clockFindings(clock, ENGLISH))).toEqual(['days', 'from', 'to', 'zone']);
    expect(clockFindings({ ...clock, on: '' }, ENGLISH)).toEqual({});
  });
});

test('a late answer does not replace that of a later question', async () => {
  const answers: ((found: Schedule[]) => void)[] = [];
  const changed = jest.fn();
  const known = new KnownSchedules(() => new Promise(answer => answers.push(answer)), changed);
  const both = Promise.all([known.refresh(), known.refresh()]);
  answers[1]?.([scheduleOf()]);
  answers[0]?.([]);
  await both;
  expect(known.all).toHaveLength(1);
  expect(changed).toHaveBeenCalledTimes(1);
  const failing = new KnownSchedules(() => Promise.reject(new Error('away')), changed);
  await failing.refresh();
  expect(failing.all).toEqual([]);
});
