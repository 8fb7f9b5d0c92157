/** The end of the session itself, told in time. */
import type { Store } from '../store';
import { formatDuration, type Trans } from '../words';
import type { Alarms } from './alarms';
import { type Item, isNear, WARNING, warnIn } from './news';

const KEY = 'session end';

type Put = (key: string, item: Item | null) => void;

/** Warn before the session ends for want of use, or because its time is up. */
export function followSession(store: Store, alarms: Alarms, put: Put, trans: Trans): void {
  store.changed.connect(() => {
    watch('unused');
    watch('latest');
  });

  function watch(which: 'unused' | 'latest'): void {
    const moment = store.me?.session?.[which] ?? '';
    const due = warnIn(endOf(moment), Date.now());
    alarms.set(`session ${which}`, due, moment, () => void ring(which));
    if (which === 'unused' && !isNear(due) && !isNear(warnIn(endOf(latest()), Date.now()))) {
      put(KEY, null);
    }
  }

  async function ring(which: 'unused' | 'latest'): Promise<void> {
    await store.refreshMe(); // it may have been used meanwhile
    const moment = store.me?.session?.[which] ?? '';
    if (isNear(warnIn(endOf(moment), Date.now()))) {
      put(KEY, sessionEndsSoon(which, Date.parse(moment) - Date.now(), trans));
    }
  }

  function latest(): string {
    return store.me?.session?.latest ?? '';
  }
}

function endOf(moment: string) {
  return moment ? { at: Date.parse(moment), idle: false, warning: WARNING } : null;
}

function sessionEndsSoon(which: 'unused' | 'latest', left: number, trans: Trans): Item {
  const time = formatDuration(left / 1000);
  return {
    key: KEY,
    type: 'warning',
    message:
      which === 'unused'
        ? trans.__('This session ends in %1, because it is not used. Save your work.', time)
        : trans.__('This session ends in %1, as its time is up then. Save your work.', time),
    actions: which === 'unused' ? ['stay'] : [],
    autoClose: false
  };
}
