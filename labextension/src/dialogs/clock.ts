/** What somebody has chosen in the Launch dialog about when it starts. Pure. */
import type { Launch, NewSchedule } from '../model';
import { ownZone } from '../schedules/words';
import type { Trans } from '../words';
import type { Findings } from './findings';

export interface Clock {
  /** '' is now; `own`: the days that are written; else as the service takes them. */
  on: '' | 'Mon-Fri' | 'daily' | 'own';
  /** As written: `Mon,Wed`. */
  days: string;
  from: string;
  /** Empty: until its lifetime is over. */
  to: string;
  zone: string;
}

export function clockAtFirst(): Clock {
  return { on: '', days: '', from: '07:00', to: '19:00', zone: ownZone() };
}

const TIME = /^\d{1,2}:\d\d$/;

/** What is missing or no time of day. What else is written wrong, the service says. */
export function clockFindings({ on, days, from, to, zone }: Clock, trans: Trans): Findings {
  const found: Findings = {};
  const unreadable = trans.__('Write a time of day, for example 07:00.');
  if (on === 'own' && !days.trim()) {
    found.days = trans.__('Write days, for example Mon,Wed or Sat-Sun.');
  }
  if (on && !TIME.test(from.trim())) {
    found.from = unreadable;
  }
  if (on && to.trim() && !TIME.test(to.trim())) {
    found.to = unreadable;
  }
  if (on && !zone.trim()) {
    found.zone = trans.__('Write a time zone, for example Europe/Berlin.');
  }
  return found;
}

/** What is asked for. What a schedule starts belongs to no session, so there is nothing to keep. */
export function scheduleOf(clock: Clock, { name, keep: _, ...launch }: Launch): NewSchedule {
  const { on, days, from, to, zone } = clock;
  return {
    name: name ?? '',
    launch,
    days: on === 'own' ? days.trim() : on,
    from: from.trim(),
    ...(to.trim() && { to: to.trim() }),
    zone: zone.trim()
  };
}
