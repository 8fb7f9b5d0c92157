/** The Scale dialog. */
import { useId, useState } from 'react';

import { membersTitle } from '../kinds';
import type { Backend, OfferedKind } from '../model';
import type { Relaunches } from '../relaunch/relaunches';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { Segments } from './Cards';
import { useCarrying } from './carry';
import { type AboutProps, useBackend, useChange } from './change';
import { offerOf } from './choice';
import { Effect } from './Effect';
import { show, useFirstFocus } from './Frame';
import { placed } from './findings';
import { useCatalogue } from './live';
import { loses, NOTHING_CHOSEN, RelaunchFields, RelaunchStory } from './Relaunch';
import { resizeOf, type Size, sizeOf, sizeSchema } from './resize';
import { Said } from './Said';
import { SizeForm } from './SizeForm';
import { countName, growthOf } from './schema';

/** Ask for another size, and have it changed; null when it was cancelled. */
export function openScale(
  alongside: IAlongside,
  trans: Trans,
  id: string,
  members?: number,
  relaunches: Relaunches | null = null
): Promise<Backend | null> {
  const name = alongside.store.backends.get(id)?.name ?? '';
  return show<Backend>({
    title: trans.__('Scale %1', name),
    accept: trans.__('Scale'),
    trans,
    body: gate => <ScaleBody {...{ alongside, trans, id, gate, members, relaunches }} />
  });
}

interface ScaleProps extends AboutProps {
  members?: number | undefined;
  relaunches: Relaunches | null;
}

function ScaleBody(props: ScaleProps) {
  const { alongside, trans } = props;
  const { catalogue, problem } = useCatalogue(alongside, trans);
  const { backend, obstacle } = useBackend(props);
  const reason = useId();
  const offer = backend && catalogue ? offerOf(catalogue, backend) : null;
  if (backend && offer) {
    return <ScaleForm {...props} {...{ backend, offer }} />;
  }
  const gone = {
    detail: trans.__('Its profile is not offered any more, so its size has to stay.'),
    remedy: trans.__('Launch a new one.')
  };
  const why = obstacle ?? problem ?? (catalogue ? gone : null);
  return <Said id={reason} problem={why} text={trans.__('Asking what there is …')} />;
}

interface FormProps extends ScaleProps {
  backend: Backend;
  offer: OfferedKind;
}

function ScaleForm(props: FormProps) {
  const { alongside, trans, backend, offer, members } = props;
  const { obstacle } = useBackend(props);
  const [size, setSize] = useState<Size>(() => sizeOf(backend, offer, members));
  const [carrying, setCarrying] = useState(NOTHING_CHOSEN);
  const id = useId();
  const first = useFirstFocus();

  const { me } = alongside.store;
  const growth = growthOf(offer);
  const schema = sizeSchema(offer, size.grows, me);
  const resize = resizeOf(backend, offer, size, me, trans);
  const relaunch = offer.scaling === 'relaunch';
  const { attached, progress, carry } = useCarrying(props, carrying, relaunch);
  const ready = !obstacle && (!relaunch || carrying.accepted || !loses(attached, carrying));
  const refused = useChange(props, ready ? resize.patch : null, `${id}-verdict`, carry);
  const { at, rest } = placed(
    refused,
    path => (path.split('.')[0] as string) in (schema.properties ?? {}),
    trans
  );
  const running = progress?.end === '';
  const path = size.grows ? `${growth?.name}.maximum` : countName(offer);
  const note = !resize.changed
    ? trans.__('That is its size now.')
    : relaunch || !resize.shrinks
      ? ''
      : trans.__(
          'What the %1 that go have in memory moves to the others first.',
          `${offer.member}s`
        );
  return (
    <div className="alongside-Launch" ref={first}>
      <div className="alongside-Fields">
        {progress && <RelaunchStory progress={progress} trans={trans} />}
        {growth && !running && (
          <Segments
            id={`${id}-growth`}
            label={trans.__('Number of %1', `${offer.member}s`)}
            hint={size.grows ? growth.hint : ''}
            choices={[
              ['', trans.__('Fixed')],
              ['grows', growth.title]
            ]}
            chosen={size.grows ? 'grows' : ''}
            onChoose={value => setSize({ ...size, grows: value === 'grows' })}
          />
        )}
        {!running && (
          <SizeForm
            id={`${id}-size`}
            schema={schema}
            values={size.values}
            wrong={{ ...at, ...resize.wrong }}
            bounds={
              resize.most !== null && resize.most < most(schema, path)
                ? { [path]: trans.__('At most %1 with what is left of your quota.', resize.most) }
                : {}
            }
            trans={trans}
            onValues={values => setSize({ ...size, values })}
          />
        )}
        {relaunch && resize.changed && !running && (
          <RelaunchFields {...{ id, offer, attached, carrying, trans }} onCarrying={setCarrying} />
        )}
      </div>
      <Effect
        id={`${id}-verdict`}
        title={trans.__('What changes')}
        sum={resize.sum}
        quota={resize.quota}
        verdict={resize.verdict}
        problem={running ? null : (obstacle ?? rest)}
        members={membersTitle(alongside.store.kinds, trans)}
        note={note}
        trans={trans}
      />
    </div>
  );
}

function most(schema: ReturnType<typeof sizeSchema>, path: string): number {
  const found = path
    .split('.')
    .reduce<typeof schema | undefined>((option, part) => option?.properties?.[part], schema);
  return found?.maximum ?? Number.POSITIVE_INFINITY;
}
