/** When it is to start: now, or again and again by the clock. */
import type { Trans } from '../words';
import type { Clock } from './clock';
import type { Findings } from './findings';
import { describedBy, Input, Row } from './Row';

interface ClockFieldsProps {
  /** What all ids begin with. */
  id: string;
  clock: Clock;
  /** Whether a run is to begin: that may be once, and it ends by itself. */
  run?: boolean;
  wrong: Findings;
  trans: Trans;
  onClock: (clock: Clock) => void;
}

export function ClockFields(props: ClockFieldsProps) {
  const { id, clock, run, trans, onClock } = props;
  const starts = `${id}-starts`;
  return (
    <>
      <Row
        id={starts}
        label={trans.__('Starts')}
        hint={clock.on && trans.__('By itself, whether you are logged in or not.')}
      >
        <select
          id={starts}
          className="jp-mod-styled"
          value={clock.on}
          aria-describedby={describedBy(starts)}
          onChange={event => onClock({ ...clock, on: event.target.value as Clock['on'] })}
        >
          <option value="">{trans.__('now')}</option>
          {run && <option value="once">{trans.__('tonight, or at another time')}</option>}
          <option value="Mon-Fri">{trans.__('every working day')}</option>
          <option value="daily">{trans.__('every day')}</option>
          <option value="own">{trans.__('on certain days')}</option>
        </select>
      </Row>
      {clock.on && <Times {...props} />}
    </>
  );
}

function Times({ id, clock, run, wrong, trans, onClock }: ClockFieldsProps) {
  const zones = `${id}-zones`;
  const field = (name: 'days' | 'from' | 'to' | 'zone', more: object) => (
    <Input
      id={`${id}-${name}`}
      value={clock[name]}
      wrong={Boolean(wrong[name])}
      onText={text => onClock({ ...clock, [name]: text })}
      {...more}
    />
  );
  return (
    <>
      {clock.on === 'own' && (
        <Row id={`${id}-days`} label={trans.__('Days')} error={wrong.days}>
          {field('days', { placeholder: 'Mon,Wed' })}
        </Row>
      )}
      <Row
        id={`${id}-from`}
        label={run ? trans.__('At') : trans.__('From')}
        hint={clock.on === 'once' && trans.__('22:00, or 2026-12-01 22:00')}
        error={wrong.from}
      >
        {field('from', {
          placeholder: '07:00',
          'data-short': clock.on === 'once' ? undefined : ''
        })}
      </Row>
      {!run && (
        <Row
          id={`${id}-to`}
          label={trans.__('Until')}
          hint={clock.to.trim() ? '' : trans.__('Until its lifetime is over.')}
          error={wrong.to}
        >
          {field('to', { placeholder: '19:00', 'data-short': '' })}
        </Row>
      )}
      <Row id={`${id}-zone`} label={trans.__('Time zone')} error={wrong.zone}>
        {field('zone', { list: zones })}
        <datalist id={zones}>
          {Intl.supportedValuesOf('timeZone').map(zone => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </Row>
    </>
  );
}
