/** One run: how far it is, what it does or what went wrong, and what can be done about it. */
import { memo, useCallback, useId } from 'react';

import { Button } from '../components/Button';
import { Countdown } from '../components/Countdown';
import { Dot } from '../components/Dot';
import { useKeptFocus } from '../components/focus';
import { Menu, type MenuItem } from '../components/Menu';
import { Trouble } from '../components/Trouble';
import type { Trans } from '../words';
import type { RunActions } from './actions';
import { type Fault, faultOf, recordText, resumeText } from './faults';
import { final, foremost, type Line, lines, look, progress, resumable, stateText } from './state';
import type { Run } from './types';

export interface RunCardProps {
  run: Run;
  /** What tells it from others of its name; '' where it has a name of its own. */
  mark?: string;
  /** On what its steps compute, by their names: "Dask 10 workers". */
  computing: { readonly [step: string]: string };
  /** Whether the backend of the step that failed is still there. */
  kept: boolean;
  actions: RunActions;
  trans: Trans;
  /** Why nothing can be asked for now; '' when it can. */
  blocked: string;
  /** A time to show instead of the present: milliseconds since 1970. */
  now?: number;
}

/** Drawn again only when what it shows is different. */
export const RunCard = memo(Card, (one, other) => {
  const { computing: before, ...old } = one;
  const { computing: after, ...fresh } = other;
  const names = Object.keys(fresh) as (keyof typeof fresh)[];
  return (
    names.every(name => old[name] === fresh[name]) &&
    JSON.stringify(before) === JSON.stringify(after)
  );
});

function Card(props: RunCardProps) {
  const { run, mark, actions, trans, now } = props;
  const name = useId();
  const kept = useKeptFocus<HTMLElement>('.alongside-Card-buttons button');
  return (
    <article
      {...kept}
      className={`alongside-Card alongside-mod-panel alongside-mod-${run.state}`}
      aria-labelledby={name}
      data-run={run.id}
    >
      <Dot look={look(run)} />
      <div className="alongside-Card-body">
        <header className="alongside-Card-heading">
          <span>
            <button
              id={name}
              type="button"
              className="alongside-Card-name alongside-Run-name"
              title={trans.__('Open it in a tab')}
              onClick={() => actions.open(run)}
            >
              {run.name}
            </button>
            {mark && <span className="alongside-Card-note"> {mark}</span>}
          </span>
          <Countdown
            className="alongside-Card-state"
            now={now}
            read={useCallback((time: number) => stateText(run, time, trans), [run, trans])}
          />
        </header>
        {!final(run) && <Bar run={run} trans={trans} />}
        <Story {...props} />
        <Buttons {...props} />
      </div>
    </article>
  );
}

function Bar({ run, trans }: Pick<RunCardProps, 'run' | 'trans'>) {
  const { done, share } = progress(run);
  const whole = run.steps.length;
  return (
    <div
      className="alongside-Run-bar"
      role="progressbar"
      aria-label={run.name}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * share)}
      aria-valuetext={trans.__('%1 of %2 steps', done, whole)}
    >
      <div style={{ width: `${100 * share}%` }} />
    </div>
  );
}

function Story({ run, computing, kept, trans, now }: RunCardProps) {
  const fault = faultOf(run, trans);
  if (fault) {
    const stays = kept
      ? trans.__('The steps before it are kept, and so is its cluster.')
      : progress(run).done > 0
        ? trans.__('The steps before it are kept.')
        : '';
    const remedy = [fault.remedy, stays].filter(Boolean).join(' ');
    return <Trouble cause={fault.cause} detail={fault.detail} remedy={remedy} />;
  }
  if (final(run)) {
    const skipped = run.steps.filter(({ unchanged }) => unchanged).length;
    const text =
      run.message || (skipped > 0 ? trans._n('%1 unchanged', '%1 unchanged', skipped) : '');
    return text ? <p className="alongside-Card-note">{text}</p> : null;
  }
  const { lines: told, more } = lines(
    run,
    ({ name }) => computing[name] ?? '',
    now ?? Date.now(),
    trans
  );
  return told.length > 0 ? (
    <ul className="alongside-Stages" aria-label={trans.__('Steps of %1', run.name)}>
      {told.map(line => (
        <StepLine key={line.name} line={line} trans={trans} />
      ))}
      {more > 0 && <li>{trans._n('and %1 more', 'and %1 more', more)}</li>}
    </ul>
  ) : (
    <p className="alongside-Card-note">{run.message || trans.__('It begins in a moment.')}</p>
  );
}

function StepLine({ line: { name, state, text }, trans }: { line: Line; trans: Trans }) {
  const over = state === 'succeeded';
  const gap = over || !text ? ' ' : ' · ';
  const word = over ? trans.__('done:') : trans.__('at work:');
  return (
    <li className={over ? 'alongside-mod-done' : undefined}>
      <span aria-hidden="true">{over ? '✓' : '…'}</span>
      <span className="alongside-Unseen">{word}</span> {name}
      {gap}
      {text}
    </li>
  );
}

function Buttons({ run, actions, trans, blocked }: RunCardProps) {
  const fault = faultOf(run, trans);
  const step = fault?.step || (foremost(run)?.name ?? '');
  const over = final(run);
  return (
    <div className="alongside-Card-buttons">
      {resumable(run) && (
        <Button
          variant={fault ? 'primary' : 'plain'}
          reason={blocked}
          onPress={() => actions.resume(run)}
          title={trans.__('Go on; what has succeeded is not repeated')}
        >
          {resumeText(run, fault, trans)}
        </Button>
      )}
      {fault?.step ? (
        <See {...{ run, fault, actions, trans }} />
      ) : (
        <Button onPress={() => actions.open(run)} label={trans.__('Open %1', run.name)}>
          {trans.__('Open')}
        </Button>
      )}
      {!over && (
        <Button
          onPress={() => actions.cancel(run)}
          reason={blocked}
          label={trans.__('Cancel %1', run.name)}
        >
          {trans.__('Cancel')}
        </Button>
      )}
      {run.state === 'succeeded' && (
        <Button onPress={() => actions.again(run)} reason={blocked}>
          {trans.__('Run again…')}
        </Button>
      )}
      <Menu
        label={trans.__('More about %1', run.name)}
        items={menuItems({ run, actions, trans, blocked }, step)}
        variant="quiet"
      >
        ⋯
      </Menu>
    </div>
  );
}

/** To what of the step that failed shows best why. */
function See({
  run,
  fault,
  actions,
  trans
}: Pick<RunCardProps, 'run' | 'actions' | 'trans'> & { fault: Fault }) {
  const { step, seen } = fault;
  return seen === 'cell' ? (
    <Button onPress={() => actions.notebook(run, step)}>{trans.__('See cell')}</Button>
  ) : (
    <Button onPress={() => actions.log(run, step)}>{trans.__('See log')}</Button>
  );
}

function menuItems(
  { run, actions, trans, blocked }: Pick<RunCardProps, 'run' | 'actions' | 'trans' | 'blocked'>,
  step: string
): MenuItem[] {
  const over = final(run);
  const items: MenuItem[] = [
    { label: trans.__('Log'), run: () => actions.log(run, step) },
    {
      label: trans.__('Record'),
      run: () => actions.record(run),
      reason: blocked,
      title: recordText(trans)
    },
    {
      label: trans.__('Compare…'),
      run: () => actions.compare(run),
      title: trans.__('Show it beside another run')
    }
  ];
  if (run.state !== 'succeeded') {
    items.push({ label: trans.__('Run again…'), run: () => actions.again(run), reason: blocked });
  }
  if (resumable(run) && faultOf(run, trans)?.step) {
    items.unshift({ label: trans.__('Open'), run: () => actions.open(run) });
  }
  return [
    ...items,
    {
      label: trans.__('Copy command'),
      run: () => actions.copy(run),
      title: trans.__('The command that shows it in a terminal'),
      apart: true
    },
    {
      label: trans.__('Delete…'),
      run: () => actions.remove(run),
      reason: over ? blocked : trans.__('Cancel it first.'),
      title: trans.__('Remove it with its logs and executed notebooks'),
      apart: true,
      danger: true
    }
  ];
}
