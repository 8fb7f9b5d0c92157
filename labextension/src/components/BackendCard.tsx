/** One backend: what it is, what it does, when it ends, and what can be done with it. */
import { memo, useCallback, useId } from 'react';

import type { Kind } from '../kinds';
import { type Backend, ended, usable } from '../model';
import { cancellable, type Progress } from '../relaunch/progress';
import { formatMembers, formatMemory, formatSize, parseMemory, type Trans } from '../words';
import { Button } from './Button';
import { CardButtons } from './CardButtons';
import { EndingLine, Mismatches, ReservedLine, SharesLine } from './CardNotes';
import { Countdown } from './Countdown';
import { Dot } from './Dot';
import { Facts } from './Facts';
import { useKeptFocus } from './focus';
import type { BackendCardProps } from './props';
import { RelaunchEnd, RelaunchLine } from './Relaunch';
import { look, reasonText, stateText, story } from './state';
import { Trouble } from './Trouble';
import { Usage } from './Usage';

export type { BackendCardProps } from './props';

/** Drawn again only when a property is another one: lists of hundreds stay smooth. */
export const BackendCard = memo(function BackendCard(props: BackendCardProps) {
  const { backend, history, trans, density = 'panel', stopsAt } = props;
  const name = useId();
  const kept = useKeptFocus<HTMLElement>('.alongside-Card-buttons button');
  return (
    <article
      {...kept}
      className={`alongside-Card alongside-mod-${density} alongside-mod-${backend.phase}`}
      aria-labelledby={name}
      data-backend={backend.id}
    >
      <Dot look={look(backend)} />
      <div className="alongside-Card-body">
        <Heading {...props} id={name} />
        <Size {...props} />
        <Story {...props} />
        {usable(backend) && density === 'panel' && (
          <>
            <Usage backend={backend} history={history} trans={trans} />
            <Facts backend={backend} trans={trans} />
          </>
        )}
        <Mismatches {...props} />
        {stopsAt === undefined ? <CardButtons {...props} /> : <Undo {...props} at={stopsAt} />}
        <ReservedLine {...props} />
        <EndingLine {...props} />
        <SharesLine {...props} />
      </div>
    </article>
  );
});

function Heading({ backend, kind, attached, trans, now, density, id }: HeadingProps) {
  return (
    <header className="alongside-Card-heading">
      <span>
        <strong id={id} className="alongside-Card-name">
          {backend.name}
        </strong>{' '}
        <span className="alongside-Card-kind">{kind.title}</span>
      </span>
      <Countdown
        className="alongside-Card-state"
        now={now}
        read={useCallback(
          (time: number) =>
            density === 'widget' && backend.phase === 'running'
              ? formatMembers(backend, kind, trans)
              : stateText(backend, attached ?? false, time, trans),
          [backend, kind, attached, density, trans]
        )}
      />
    </header>
  );
}

interface HeadingProps extends BackendCardProps {
  id: string;
}

/** How large it is: of one that has ended only what it was. */
function Size({ backend, kind, trans, density }: BackendCardProps) {
  const parts = [formatSize(backend, trans), ...eachText(backend, kind, trans)];
  if (
    !ended(backend) &&
    backend.wanted > 0 &&
    !(density === 'widget' && backend.phase === 'running')
  ) {
    parts.unshift(formatMembers(backend, kind, trans));
  }
  return <p className="alongside-Card-size">{parts.join(' · ')}</p>;
}

/** What one member has: it bounds what a member can do where none can be added meanwhile. */
function eachText({ options, wanted }: Backend, { scaling }: Kind, trans: Trans): string[] {
  const bytes = parseMemory(typeof options.memory === 'string' ? options.memory : '');
  const told = scaling === 'relaunch' && wanted > 1 && bytes > 0;
  return told ? [trans.__('%1 each', formatMemory(bytes))] : [];
}

/** What has happened and what is waited for, or what went wrong. */
function Story(props: BackendCardProps) {
  const { backend, relaunch, trans } = props;
  if (relaunch) {
    return <Relaunch {...props} progress={relaunch} />;
  }
  switch (backend.phase) {
    case 'failed':
      return (
        <Trouble
          cause={reasonText(backend.reason)}
          detail={backend.message || trans.__('It has ended by a fault.')}
          remedy={backend.remedy}
        />
      );
    case 'stopped':
      return backend.message ? <p className="alongside-Card-note">{backend.message}</p> : null;
    case 'running':
      // all is there, but something is worth telling
      return backend.reason ? (
        <Trouble level="warning" detail={backend.message} remedy={backend.remedy} />
      ) : null;
    default:
      return <Stages backend={backend} trans={trans} />;
  }
}

/** A change of size that starts it again, as the notebook tells it that saves and restores. */
function Relaunch({
  backend,
  actions,
  trans,
  progress
}: BackendCardProps & { progress: Progress }) {
  const { callOff, noted } = actions;
  return (
    <>
      {progress.end ? (
        <RelaunchEnd progress={progress} />
      ) : (
        <RelaunchLine progress={progress} trans={trans} />
      )}
      {progress.end && noted && (
        <Button variant="link" onPress={() => noted(backend)}>
          {trans.__('Dismiss')}
        </Button>
      )}
      {callOff && cancellable(progress) && (
        <Button
          variant="link"
          onPress={() => callOff(backend)}
          label={trans.__('Call off changing the size of %1', backend.name)}
        >
          {trans.__('Call off')}
        </Button>
      )}
    </>
  );
}

function Stages({ backend, trans }: { backend: Backend; trans: Trans }) {
  const { done, waiting } = story(backend);
  const shown = backend.phase === 'scaling' || backend.phase === 'stopping' ? [] : done;
  return (
    <ul className="alongside-Stages" aria-label={trans.__('What has happened')}>
      {shown.map(message => (
        <li key={message} className="alongside-mod-done">
          <span aria-hidden="true">✓</span> {message}
        </li>
      ))}
      {waiting && (
        <li>
          <span aria-hidden="true">…</span> {waiting}
        </li>
      )}
    </ul>
  );
}

/** In place of the buttons while a stop can be taken back. */
function Undo({ backend, actions, trans, now, at }: BackendCardProps & { at: number }) {
  return (
    <div className="alongside-Card-buttons alongside-mod-undo">
      <Countdown
        now={now}
        read={useCallback(
          (time: number) => {
            const seconds = Math.ceil((at - time) / 1000);
            return seconds > 0 ? trans.__('Stopping in %1 s', seconds) : trans.__('Stopping');
          },
          [at, trans]
        )}
      />
      <Button
        onPress={() => actions.undo?.(backend)}
        label={trans.__('Undo stopping %1', backend.name)}
      >
        {trans.__('Undo')}
      </Button>
    </div>
  );
}
