/** What of all that happens is worth a notification. Pure: in goes what a backend was and is, out
 * comes what to show. */
import type { Ending } from '../components/lifetime';
import type { Kind } from '../kinds';
import { type Backend, ended, usable } from '../model';
import { faultOf } from '../runs/faults';
import { final } from '../runs/state';
import type { Run } from '../runs/types';
import { formatMembers, type Trans } from '../words';

/** One notification. The same `key` replaces what was shown for it. */
export interface Item {
  key: string;
  type: 'in-progress' | 'success' | 'info' | 'warning' | 'error';
  message: string;
  /** What can be done about it. */
  actions: ('retry' | 'logs' | 'extend' | 'stay' | 'open' | 'resume')[];
  /** Milliseconds after which it goes by itself; false: it stays. */
  autoClose: number | false;
}

export type Level = 'all' | 'problems' | 'none';

/** Milliseconds before the end at which it is told, unless it lives only shortly anyway. */
export const WARNING = 5 * 60_000;

/** The notification after a change; undefined for none, null to take back what was shown. */
export function newsOf(
  before: Backend | undefined,
  after: Backend | undefined,
  shown: boolean,
  kind: Kind,
  trans: Trans
): Item | null | undefined {
  if (!after) {
    return shown ? null : undefined;
  }
  const key = after.id;
  const coming = after.phase === 'pending' || after.phase === 'starting';
  if (coming) {
    const members = after.wanted > 0 ? ` ${formatMembers(after, kind, trans)}.` : '';
    const told = after.message || trans.__('“%1” is starting.', after.name);
    const message = told.includes(after.name) ? told : `${after.name}: ${told}`;
    return {
      key,
      type: 'in-progress',
      message: after.phase === 'starting' ? message + members : message,
      actions: [],
      autoClose: false
    };
  }
  const wasComing = before?.phase === 'pending' || before?.phase === 'starting';
  if (usable(after) && (shown || wasComing)) {
    return wasComing || !before
      ? {
          key,
          type: 'success',
          message: trans.__('“%1” is ready: %2.', after.name, formatMembers(after, kind, trans)),
          actions: [],
          autoClose: 5000
        }
      : undefined;
  }
  if (!before || ended(before) || !ended(after)) {
    // what had ended before this page was opened is no news
    return shown && after.phase === 'stopping' ? null : undefined;
  }
  if (after.phase === 'failed') {
    const told = [after.message, after.remedy].filter(Boolean).join(' ');
    return {
      key,
      type: 'error',
      message: trans.__('“%1” has failed. %2', after.name, told),
      actions: ['retry', 'logs'],
      autoClose: false
    };
  }
  if (after.reason && after.reason !== 'Requested') {
    return {
      key,
      type: 'info',
      message: trans.__('“%1” has ended. %2', after.name, after.message),
      actions: ['retry'],
      autoClose: 10_000
    };
  }
  return shown ? null : undefined;
}

/** What is shown of a run stays known until it is resumed or gone. */
export function keyOfRun({ id }: Pick<Run, 'id'>): string {
  return `run ${id}`;
}

/** The notification after a change of a run: how it has ended. Null takes back what was shown. */
export function newsOfRun(
  before: Run | undefined,
  after: Run | undefined,
  trans: Trans
): Item | null | undefined {
  if (!after || !final(after)) {
    return before && final(before) ? null : undefined;
  }
  if (!before || final(before) || after.state === 'cancelled') {
    return undefined; // what had ended before, or was asked for, is no news
  }
  const fault = faultOf(after, trans);
  const told = fault && [fault.cause, fault.detail].filter(Boolean).join(': ');
  return fault
    ? {
        key: keyOfRun(after),
        type: 'error',
        message: trans.__('The run “%1” has failed. %2', after.name, told ?? ''),
        actions: ['resume', 'open'],
        autoClose: false
      }
    : {
        key: keyOfRun(after),
        type: 'success',
        message: trans.__('The run “%1” is done.', after.name),
        actions: ['open'],
        autoClose: 10_000
      };
}

/** Whether it is shown at this level. */
export function wanted({ type }: Item, level: Level): boolean {
  return level === 'all' || (level === 'problems' && (type === 'error' || type === 'warning'));
}

/** Milliseconds until its end is to be warned of; undefined when that is never. */
export function warnIn(end: Ending | null, now: number): number | undefined {
  return end && end.at > now
    ? Math.max(0, end.at - Math.min(WARNING, end.warning) - now)
    : undefined;
}

/** Whether it is time to warn; a timer may be a moment early. */
export function isNear(due: number | undefined): boolean {
  return due !== undefined && due < 1000;
}
