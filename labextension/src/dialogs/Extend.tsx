/** The Extend dialog: when a backend ends by itself. */
import { useId, useState } from 'react';

import type { Backend, Patch } from '../model';
import type { IAlongside } from '../tokens';
import { formatDuration, parseDuration, type Trans } from '../words';
import { type AboutProps, useBackend, useChange } from './change';
import { offerOf } from './choice';
import { show, useFirstFocus } from './Frame';
import { placed } from './findings';
import { atMost, wrongSpan } from './lifetimes';
import { useCatalogue } from './live';
import { Input, Row } from './Row';
import { Said } from './Said';

/** Ask for other lifetimes, and have them changed; null when it was cancelled. */
export function openExtend(
  alongside: IAlongside,
  trans: Trans,
  id: string
): Promise<Backend | null> {
  const name = alongside.store.backends.get(id)?.name ?? '';
  return show<Backend>({
    title: trans.__('Keep %1 longer', name),
    accept: trans.__('Save'),
    trans,
    small: true,
    body: gate => <ExtendBody {...{ alongside, trans, id, gate }} />
  });
}

type Span = 'idle' | 'maximum';

function ExtendBody(props: AboutProps) {
  const { alongside, trans } = props;
  const { backend, obstacle } = useBackend(props);
  const { catalogue, problem } = useCatalogue(alongside, trans);
  const [typed, setTyped] = useState<Partial<Record<Span, string>>>({});
  const id = useId();
  const first = useFirstFocus();

  const offer = backend && catalogue ? offerOf(catalogue, backend) : null;
  const longest = offer?.lifetime ?? {};
  const now = backend?.lifetime ?? {};
  const value = (span: Span) => typed[span] ?? now[span] ?? '';
  const wrong = {
    idle: wrongSpan(value('idle'), longest.idle, trans),
    maximum:
      wrongSpan(value('maximum'), longest.maximum, trans) ||
      overAlready(backend, value('maximum'), trans)
  };
  const patch = changes(now, typed);
  const sound = !wrong.idle && !wrong.maximum;
  const gone =
    catalogue && backend && !offer
      ? {
          detail: trans.__('Its profile is not offered any more, so its times have to stay.'),
          remedy: trans.__('Launch a new one.')
        }
      : null;
  const why = obstacle ?? problem ?? gone;
  const refused = useChange(props, sound && !why ? patch : null, `${id}-said`);
  const { at, rest } = placed(refused, path => /^lifetime\.(idle|maximum)$/.test(path), trans);
  const lines = [
    ['idle', trans.__('Ends without work after')],
    ['maximum', trans.__('Ends at the latest after')]
  ] as const;
  return (
    <div className="alongside-Fields" ref={first}>
      {lines.map(([span, label]) => (
        <Row
          key={span}
          id={`${id}-${span}`}
          label={label}
          hint={[
            span === 'maximum' && atText(backend, value(span), trans),
            atMost(longest[span], trans)
          ]
            .filter(Boolean)
            .join(' ')}
          error={wrong[span] || at[`lifetime.${span}`]}
        >
          <Input
            id={`${id}-${span}`}
            value={value(span)}
            placeholder={longest[span] ?? trans.__('never')}
            wrong={Boolean(wrong[span] || at[`lifetime.${span}`])}
            onText={text => setTyped({ ...typed, [span]: text })}
          />
        </Row>
      ))}
      <Said
        id={`${id}-said`}
        problem={why ?? rest}
        text={patch ? '' : trans.__('Nothing is changed yet.')}
      />
    </div>
  );
}

/** What is different; what was emptied is as long as the profile allows. */
function changes(now: Backend['lifetime'], typed: Partial<Record<Span, string>>): Patch | null {
  const different = (['idle', 'maximum'] as const).filter(
    span => typed[span] !== undefined && typed[span].trim() !== (now[span] ?? '')
  );
  const lifetime = Object.fromEntries(different.map(span => [span, typed[span]?.trim() || null]));
  return different.length > 0 ? { lifetime } : null;
}

/** When its time would be up; milliseconds since 1970. It counts from when it was asked for. */
function endOf(backend: Backend | null, maximum: string): number {
  return Date.parse(backend?.created ?? '') + parseDuration(maximum) * 1000;
}

function atText(backend: Backend | null, maximum: string, trans: Trans): string {
  const left = (endOf(backend, maximum) - Date.now()) / 1000;
  return left > 0 ? trans.__('Counted from its launch: %1 from now.', formatDuration(left)) : '';
}

function overAlready(backend: Backend | null, maximum: string, trans: Trans): string {
  return endOf(backend, maximum) <= Date.now()
    ? trans.__('That is over already. Choose a longer time.')
    : '';
}
