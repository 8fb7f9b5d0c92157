/** What somebody has chosen in a dialog about when it starts. Pure. */
import type { Launch, NewSchedule } from '../model';
import type { Workflow } from '../runs/types';
import { ownZone } from '../schedules/words';
import type { Trans } from '../words';
import type { Findings } from './findings';

export interface Clock {
  /** '' is now; `once`: the next time that a clock shows it; `own`: the days that are written; else
   * as the service takes them. */
  on: '' | 'once' | 'Mon-Fri' | 'daily' | 'own';
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

/** Of a run: in the evening, and it ends by itself. */
export function clockOfRun(): Clock {
  return { ...clockAtFirst(), from: '22:00', to: '' };
}

const TIME = /^\d{1,2}:\d\d$/;
const MOMENT = /^(\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d\d$/;

/** What is missing or no time of day. What else is written wrong, the service says. */
export function clockFindings({ on, days, from, to, zone }: Clock, trans: Trans): Findings {
  const found: Findings = {};
  const unreadable = trans.__('Write a time of day, for example 07:00.');
  if (on === 'own' && !days.trim()) {
    found.days = trans.__('Write days, for example Mon,Wed or Sat-Sun.');
  }
  if (on && !(on === 'once' ? MOMENT : TIME).test(from.trim())) {
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
  const to = clock.to.trim();
  return { name: name ?? '', launch, ...timesOf(clock), ...(to && { to }) };
}

/** Likewise of a workflow; `executor`: who carries it out, '' leaves that to the service. */
export function runScheduleOf(clock: Clock, workflow: Workflow, executor: string): NewSchedule {
  const submit = { workflow, ...(executor && { executor }) };
  return { name: workflow.name, submit, ...timesOf(clock) };
}

function timesOf({ on, days, from, zone }: Clock): Pick<NewSchedule, 'days' | 'from' | 'zone'> {
  const time = from.trim();
  return {
    ...(on === 'once' ? { at: time } : { days: on === 'own' ? days.trim() : on, from: time }),
    zone: zone.trim()
  };
}
