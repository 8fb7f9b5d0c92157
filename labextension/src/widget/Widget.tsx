/** A backend's card in a notebook's output. */
import { useSyncExternalStore } from 'react';

import { BackendCard } from '../components/BackendCard';
import { Button } from '../components/Button';
import { Trouble } from '../components/Trouble';
import type { Sample } from '../model';
import { ENGLISH } from '../words';
import type { Control } from './control';

const trans = ENGLISH;
/** The small card shows no course of use. */
const NONE: Sample[] = [];

export function Widget({ control }: { control: Control }) {
  const shown = useSyncExternalStore(control.subscribe, control.current);
  const { view, problem, about, busy, blocked, refusal, stopsAt } = shown;
  const lost = problem ? `${problem.detail} ${problem.remedy}`.trim() : '';
  if (!view?.id || !about) {
    return <p>{trans.__('There is nothing to show. Run the cell again.')}</p>;
  }
  return (
    <>
      <BackendCard
        backend={view}
        history={NONE}
        actions={control.actions}
        trans={trans}
        user={about.user}
        session={about.session}
        density="widget"
        busy={busy}
        blocked={blocked || lost}
        {...(stopsAt === undefined ? {} : { stopsAt })}
      />
      <div role="status" aria-label={trans.__('Problems')} className="alongside-Widget-told">
        {(blocked || lost) && <Trouble level="warning" detail={blocked || lost} />}
        {refusal && (
          <Trouble detail={refusal.detail} remedy={refusal.remedy}>
            <Button variant="link" onPress={control.dismissRefusal}>
              {trans.__('Dismiss')}
            </Button>
          </Trouble>
        )}
      </div>
    </>
  );
}
