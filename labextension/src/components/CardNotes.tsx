/** The small lines of a card: when it ends, who else has it, what doesn't fit together. */
import { useCallback } from 'react';

import { type Backend, ended } from '../model';
import type { Trans } from '../words';
import { Button } from './Button';
import { extendText } from './CardButtons';
import { useClock } from './clock';
import { type Ending, ending, endingText, orTieText, tieText } from './lifetime';
import { owns, sharedWith, whyNot } from './permissions';
import type { BackendCardProps } from './props';
import { Trouble } from './Trouble';

/** When it ends, and a way to put that off. */
export function EndingLine(props: BackendCardProps) {
  const { backend, trans } = props;
  const end = ending(backend);
  if (ended(backend) || backend.phase === 'stopping') {
    return null;
  }
  return (
    <p className="alongside-Card-note">
      {end ? <TimeLeft {...props} end={end} /> : tieText(backend, props, trans)}
    </p>
  );
}

function TimeLeft(props: BackendCardProps & { end: Ending }) {
  const { backend, actions, trans, now, user, end } = props;
  const { at, idle, warning } = end;
  const text = useClock(
    useCallback(time => endingText({ at, idle, warning }, time, trans), [at, idle, warning, trans]),
    now
  );
  const near = useClock(
    useCallback(time => at - time < warning, [at, warning]),
    now
  );
  if (!near) {
    return text + orTieText(backend, props, trans);
  }
  return (
    <>
      <span className="alongside-mod-near">{text}</span>
      {actions.extend && owns(backend, user) && (
        <>
          {' · '}
          <Button
            variant="link"
            onPress={() => actions.extend?.(backend)}
            reason={whyNot('extend', backend, props)}
          >
            {extendText(props)}
          </Button>
        </>
      )}
    </>
  );
}

/** Whose it is, or who else may see it. */
export function SharesLine({ backend, user, groups, trans }: BackendCardProps) {
  const text = owns(backend, user)
    ? withText(backend, trans)
    : fromText(backend, sharedWith(backend, { user, groups: groups ?? [] }), trans);
  return text ? <p className="alongside-Card-note">{text}</p> : null;
}

function withText({ shares }: Backend, trans: Trans): string {
  const names = shares.map(({ user, group }) => user ?? group ?? '').filter(Boolean);
  return names.length > 0 ? trans.__('Shared with %1', names.join(', ')) : '';
}

function fromText({ owner }: Backend, access: 'attach' | 'read' | null, trans: Trans): string {
  switch (access) {
    case 'attach':
      return trans.__('From %1; you may attach', owner);
    case 'read':
      return trans.__('From %1; you may look at it', owner);
    default:
      return trans.__('From %1', owner);
  }
}

/** The step that computes on it alone, and how many wait for that. */
export function ReservedLine({ backend, trans }: BackendCardProps) {
  const [first, ...others] = backend.reservations ?? [];
  if (!first || ended(backend)) {
    return null;
  }
  const text = trans.__('Step %1 of %2 computes on it', first.step, first.workflow);
  const alone = others.findIndex(one => !(first.together && one.together));
  const waiting = alone < 0 ? 0 : others.length - alone;
  const beside = others.length - waiting;
  const parts = [
    text,
    ...(beside > 0 ? [trans._n('beside %1 other', 'beside %1 others', beside)] : []),
    ...(waiting > 0 ? [trans._n('%1 waits', '%1 wait', waiting)] : [])
  ];
  return <p className="alongside-Card-note">{parts.join(' · ')}</p>;
}

/** Libraries whose versions differ between here and there. */
export function Mismatches({ backend, trans }: BackendCardProps) {
  if (!backend.mismatches?.length || ended(backend)) {
    return null;
  }
  const pairs = backend.mismatches.map(({ library, here, there }) =>
    trans.__('%1 is %2 here and %3 there', library, here || trans.__('not'), there)
  );
  return (
    <Trouble
      level="warning"
      cause={trans.__("Versions don't fit")}
      detail={`${pairs.join('; ')}.`}
      remedy={trans.__('Launch it from the same environment or image as the notebook.')}
    />
  );
}
