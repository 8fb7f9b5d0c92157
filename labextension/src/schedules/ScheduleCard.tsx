/** One schedule: what it starts and when, what became of that, and how to put an end to it. */
import { useCallback, useId } from 'react';

import { Button } from '../components/Button';
import { Countdown } from '../components/Countdown';
import { Dot } from '../components/Dot';
import { Trouble } from '../components/Trouble';
import { type Kind, plural } from '../kinds';
import type { Schedule } from '../model';
import { stateWord } from '../runs/state';
import type { Run } from '../runs/types';
import type { Trans } from '../words';
import type { ScheduleActions } from './actions';
import { nextText, timesText, zoneText } from './words';

interface ScheduleCardProps {
  schedule: Schedule;
  /** What it launches; null: it submits a workflow. */
  kind: Kind | null | undefined;
  actions: ScheduleActions;
  trans: Trans;
  /** Why nothing can be asked for; '' when it can. */
  blocked: string;
  /** A time to show instead of the present: milliseconds since 1970. */
  now?: number;
}

export function ScheduleCard(props: ScheduleCardProps) {
  const { schedule, kind, actions, trans, blocked, now } = props;
  const { name, suspended, running } = schedule;
  const id = useId();
  const times = [timesText(schedule, trans), zoneText(schedule)].filter(Boolean);
  return (
    <article
      className="alongside-Card alongside-mod-panel"
      aria-labelledby={id}
      data-schedule={schedule.id}
    >
      <Dot look={running ? 'running' : 'stopped'} />
      <div className="alongside-Card-body">
        <header className="alongside-Card-heading">
          <span>
            <strong id={id} className="alongside-Card-name">
              {name}
            </strong>
          </span>
          <Countdown
            className="alongside-Card-state"
            now={now}
            read={useCallback((time: number) => nextText(schedule, time, trans), [schedule, trans])}
          />
        </header>
        <p className="alongside-Card-size">{times.join(' · ')}</p>
        <p className="alongside-Card-size">
          {kind
            ? [kind.title, ...sizeText(schedule, kind)].join(' · ')
            : trans.__('Workflow %1', schedule.workflow ?? '')}
        </p>
        {running && suspended && (
          <p className="alongside-Card-note">{trans.__('Paused: not started again.')}</p>
        )}
        <LastRun schedule={schedule} actions={actions} trans={trans} />
        <LastTrouble schedule={schedule} />
        <div className="alongside-Card-buttons">
          {(suspended || schedule.next_start) && (
            <Button
              reason={blocked}
              onPress={() => actions.suspend(schedule, !suspended)}
              label={suspended ? trans.__('Resume %1', name) : trans.__('Pause %1', name)}
              title={
                suspended
                  ? trans.__('From its next start on')
                  : kind
                    ? trans.__('Start nothing for now; what runs still stops in time')
                    : trans.__('Start nothing for now; what runs goes on')
              }
            >
              {suspended ? trans.__('Resume') : trans.__('Pause')}
            </Button>
          )}
          <Button
            reason={blocked}
            onPress={() => actions.remove(schedule)}
            label={trans.__('Delete %1', name)}
          >
            {trans.__('Delete…')}
          </Button>
        </div>
      </div>
    </article>
  );
}

/** "4 locales", where that many were asked for. */
function sizeText({ launch }: Schedule, { member }: Kind): string[] {
  const count = launch?.options?.[`${member}s`];
  return typeof count === 'number' ? [`${count} ${plural(member, count)}`] : [];
}

/** How the last run that is known has ended, or is. */
function LastRun({
  schedule: { history },
  actions,
  trans
}: Pick<ScheduleCardProps, 'schedule' | 'actions' | 'trans'>) {
  const last = history.filter(({ outcome, state }) => outcome === 'started' && state).at(-1);
  return last ? (
    <p className="alongside-Card-note">
      {trans.__('Last run:')}{' '}
      <Button variant="link" onPress={() => actions.open(last.run)}>
        {stateWord(last.state as Run['state'], trans)}
      </Button>
    </p>
  ) : null;
}

/** Why the last start has not come to something. */
function LastTrouble({ schedule: { history } }: { schedule: Schedule }) {
  const last = history.at(-1);
  return last && ['refused', 'missed', 'trying'].includes(last.outcome) ? (
    <Trouble level="warning" detail={last.message} remedy={last.remedy} />
  ) : null;
}
