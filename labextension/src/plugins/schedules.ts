/** What the buttons of schedules do. */
import { Dialog, showDialog } from '@jupyterlab/apputils';

import type { Schedule } from '../model';
import type { ScheduleActions } from '../schedules/actions';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { telling } from './complaints';

export function scheduleActions(
  { service, store }: Pick<IAlongside, 'service' | 'store'>,
  trans: Trans,
  open: ScheduleActions['open']
): ScheduleActions {
  const act = (what: () => Promise<void>) => {
    void telling(trans, what).then(() => store.refreshSchedules());
  };
  return {
    open,
    suspend: ({ id }, suspended) => act(() => service.suspend(id, suspended)),
    remove: schedule =>
      act(async () => {
        const wanted = await sure(schedule, trans);
        if (wanted) {
          await service.unschedule(schedule.id, wanted.stop);
        }
      })
  };
}

/** Whether it is to go, and whether what it has started goes as well; null for no. */
async function sure(
  { name, running, launch }: Schedule,
  trans: Trans
): Promise<{ stop: boolean } | null> {
  const { button, isChecked } = await showDialog({
    title: trans.__('Delete the schedule “%1”?', name),
    body: running
      ? launch
        ? trans.__('Nothing is started any more. What runs goes on, without a stop.')
        : trans.__('Nothing is started any more. The run that is under way goes on.')
      : trans.__('Nothing is started any more.'),
    checkbox: running ? { label: trans.__('Stop what runs as well'), checked: false } : null,
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ]
  });
  return button.accept ? { stop: isChecked ?? false } : null;
}
