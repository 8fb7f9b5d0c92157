/** When a schedule starts and stops something, as people say it. Pure. */
import type { Schedule } from '../model';
import type { Trans } from '../words';

/** A cron expression that names a time of day and days of the week. */
const PLAIN = /^(\d{1,2}) (\d{1,2}) \* \* ([0-7,*-]+)$/;
const DAY = 86_400_000;
/** A Sunday, which is the first day for cron. */
const SUNDAY = Date.UTC(2026, 2, 1);

/** "every working day 07:00–19:00"; what can't be said so is shown as it was written. */
export function timesText(
  { start, stop, once }: Pick<Schedule, 'start' | 'stop'> & Partial<Pick<Schedule, 'once'>>,
  trans: Trans
): string {
  if (once) {
    return trans.__('once, %1', once.slice(0, 16).replace('T', ' '));
  }
  const [begin, end] = [plainOf(start), plainOf(stop ?? '')];
  if (!begin || (stop && !end)) {
    return [start, stop].filter(Boolean).join(' – ');
  }
  const days = daysText(begin.days, trans);
  return end
    ? trans.__('%1 %2–%3', days, begin.time, end.time)
    : trans.__('%1 at %2', days, begin.time);
}

/** What comes next: "starts Mon 07:00", "runs until 19:00", "paused". Times are those of its zone. */
export function nextText(
  { suspended, running, zone, next_start: start, next_stop: stop }: Schedule,
  now: number,
  trans: Trans
): string {
  if (running) {
    return stop ? trans.__('runs until %1', momentText(stop, zone, now)) : trans.__('runs');
  }
  if (suspended) {
    return trans.__('paused');
  }
  return start ? trans.__('starts %1', momentText(start, zone, now)) : trans.__('is over');
}

/** Its zone, where that isn't the one of who looks. */
export function zoneText({ zone }: Pick<Schedule, 'zone'>): string {
  return zone === ownZone() ? '' : zone.replaceAll('_', ' ');
}

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** A moment by a clock in a zone: the time today, with the day within a week, else with the date. */
function momentText(moment: string, zone: string, now: number): string {
  const then = Date.parse(moment);
  const say = (time: number, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat([], { ...options, timeZone: zone }).format(time);
  const date = { day: 'numeric', month: 'short' } as const;
  const clock = say(then, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  if (say(then, date) === say(now, date)) {
    return clock;
  }
  const day = then - now < 6 * DAY ? say(then, { weekday: 'short' }) : say(then, date);
  return `${day} ${clock}`;
}

function plainOf(cron: string): { days: string; time: string } | null {
  const [, minute = '', hour = '', days = ''] = PLAIN.exec(cron) ?? [];
  return days ? { days, time: `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}` } : null;
}

function daysText(days: string, trans: Trans): string {
  switch (days) {
    case '*':
      return trans.__('every day');
    case '1-5':
      return trans.__('every working day');
    default:
      return days
        .split(',')
        .map(run => run.split('-').map(dayName).join('–'))
        .join(', ');
  }
}

function dayName(number: string): string {
  const time = SUNDAY + Number(number) * DAY;
  return new Intl.DateTimeFormat([], { weekday: 'short', timeZone: 'UTC' }).format(time);
}
