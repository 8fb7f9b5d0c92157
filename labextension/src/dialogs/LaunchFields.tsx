/** The left side of the Launch dialog: what can be chosen. */
import type { ReactNode } from 'react';

import type { Catalogue } from '../model';
import type { Trans } from '../words';
import { Cards, Segments } from './Cards';
import { ClockFields } from './ClockFields';
import { type Choice, firstPossible, whyUnavailable } from './choice';
import type { Clock } from './clock';
import type { Findings } from './findings';
import { atMost, endsText } from './lifetimes';
import { type Plan, quotaBounds } from './plan';
import { describedBy, Input, Row } from './Row';
import { SizeForm } from './SizeForm';
import { growthOf } from './schema';

interface LaunchFieldsProps {
  /** What all ids begin with. */
  id: string;
  catalogue: Catalogue;
  choice: Choice;
  plan: Plan;
  wrong: Findings;
  /** Whether there is a session that it can end with. */
  tied: boolean;
  clock: Clock;
  trans: Trans;
  onChoice: (choice: Choice) => void;
  onClock: (clock: Clock) => void;
  /** Another profile or kind. */
  onMove: (to: Pick<Choice, 'profile' | 'kind'>) => void;
}

type SizeFieldsProps = Omit<LaunchFieldsProps, 'tied' | 'clock' | 'onClock'> & {
  children?: ReactNode;
};

/** Profile, kind and size; `children` belong to the same box as the size. */
export function SizeFields(props: SizeFieldsProps) {
  const { id, catalogue, choice, plan, wrong, trans, onChoice, onMove, children } = props;
  const { offer, schema, profile } = plan;
  const growth = growthOf(offer);
  const profiles = catalogue.profiles.filter(one => Object.keys(one.backends).length > 0);
  return (
    <>
      <Cards
        id={`${id}-profile`}
        legend={trans.__('Profile')}
        chosen={choice.profile}
        cards={profiles.map(one => ({
          value: one.name,
          title: one.title,
          lines: [one.description]
        }))}
        onChoose={name => {
          const backends = profiles.find(one => one.name === name)?.backends ?? {};
          const kinds = [choice.kind, ...Object.keys(backends)].filter(kind => kind in backends);
          onMove({ profile: name, kind: firstPossible({ backends }, kinds) });
        }}
      />
      <Cards
        id={`${id}-kind`}
        legend={trans.__('Kind')}
        chosen={choice.kind}
        cards={Object.entries(profile.backends).map(([value, one]) => ({
          value,
          title: one.title,
          lines: [one.description],
          why: whyUnavailable(one)
        }))}
        onChoose={kind => onMove({ profile: choice.profile, kind })}
      />
      <fieldset className="alongside-Box">
        <legend>{trans.__('Size of the %1', offer.title)}</legend>
        {growth && (
          <Segments
            id={`${id}-growth`}
            label={trans.__('Number of %1', `${offer.member}s`)}
            hint={choice.grows ? growth.hint : ''}
            choices={[
              ['', trans.__('Fixed')],
              ['grows', growth.title]
            ]}
            chosen={choice.grows ? 'grows' : ''}
            onChoose={value => onChoice({ ...choice, grows: value === 'grows' })}
          />
        )}
        <SizeForm
          id={`${id}-size`}
          schema={schema}
          values={choice.options}
          wrong={wrong}
          bounds={quotaBounds(plan, choice, trans)}
          trans={trans}
          onValues={options => onChoice({ ...choice, options })}
        />
        {children}
      </fieldset>
    </>
  );
}

export function LaunchFields(props: LaunchFieldsProps) {
  const { id, choice, plan, wrong, tied, clock, trans, onChoice, onClock } = props;
  const { offer, free } = plan;
  return (
    <div className="alongside-Fields">
      <SizeFields {...props}>
        <Row
          id={`${id}-name`}
          label={trans.__('Name')}
          hint={trans.__('As it is shown in the panel.')}
          error={wrong.name}
        >
          <Input
            id={`${id}-name`}
            value={choice.name}
            placeholder={free}
            maxLength={63}
            wrong={Boolean(wrong.name)}
            onText={name => onChoice({ ...choice, name })}
          />
        </Row>
        <ClockFields {...{ id, clock, wrong, trans, onClock }} />
        {tied && !clock.on && (
          <Row id={`${id}-ends`} label={trans.__('Ends')} hint={endsText(offer.lifetime, trans)}>
            <select
              id={`${id}-ends`}
              className="jp-mod-styled"
              value={choice.keep ? 'keep' : ''}
              aria-describedby={describedBy(`${id}-ends`)}
              onChange={event => onChoice({ ...choice, keep: event.target.value === 'keep' })}
            >
              <option value="">{trans.__('with the session')}</option>
              <option value="keep">{trans.__('by itself: keep it when the session ends')}</option>
            </select>
          </Row>
        )}
        <Lifetimes {...props} />
      </SizeFields>
    </div>
  );
}

function Lifetimes({ id, choice, plan, wrong, trans, onChoice }: LaunchFieldsProps) {
  const { idle, maximum } = plan.offer.lifetime;
  const lines = [
    ['idle', trans.__('Ends without work after'), idle],
    ['maximum', trans.__('Ends at the latest after'), maximum]
  ] as const;
  const open = lines.some(([name]) => choice[name] || wrong[`lifetime.${name}`]);
  return (
    <details open={open || undefined}>
      <summary>{trans.__('More: lifetime')}</summary>
      {lines.map(([name, label, most]) => (
        <Row
          key={name}
          id={`${id}-${name}`}
          label={label}
          hint={atMost(most, trans)}
          error={wrong[`lifetime.${name}`]}
        >
          <Input
            id={`${id}-${name}`}
            value={choice[name]}
            placeholder={most ?? trans.__('never')}
            wrong={Boolean(wrong[`lifetime.${name}`])}
            onText={text => onChoice({ ...choice, [name]: text })}
          />
        </Row>
      ))}
    </details>
  );
}
