/** The user's schedules, below the backends; nothing where there are none. */
import { ScheduleCard } from '../schedules/ScheduleCard';
import type { Shown } from './BackendList';
import { Boundary } from './Boundary';

export function Schedules({ shown }: { shown: Shown }) {
  const { alongside, trans, blocked, options } = shown;
  const { schedules } = alongside.store;
  const { schedules: actions } = options;
  if (!actions || schedules.length === 0) {
    return null;
  }
  return (
    <section className="alongside-Group" aria-label={trans.__('By the clock')}>
      <h3>{trans.__('By the clock')}</h3>
      <ul className="alongside-List">
        {schedules.map(schedule => (
          <li key={schedule.id} className="alongside-List-item">
            <Boundary
              of={schedule}
              trans={trans}
              detail={trans.__('The schedule %1 cannot be shown.', String(schedule.name))}
            >
              <ScheduleCard
                schedule={schedule}
                kind={schedule.launch && alongside.store.kind(schedule.launch)}
                actions={actions}
                trans={trans}
                blocked={blocked}
              />
            </Boundary>
          </li>
        ))}
      </ul>
    </section>
  );
}
