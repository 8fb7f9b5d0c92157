/** A backend's card in a notebook's output. */
import { useMemo, useSyncExternalStore } from 'react';

import { BackendCard } from '../components/BackendCard';
import { Button } from '../components/Button';
import { Trouble } from '../components/Trouble';
import { kindOf } from '../kinds';
import type { Sample } from '../model';
import { BEGINNING, type Progress, type Told, told } from '../relaunch/progress';
import { ENGLISH } from '../words';
import type { Control } from './control';
import { Resize } from './Resize';

const trans = ENGLISH;
/** The small card shows no course of use. */
const NONE: Sample[] = [];
const NO_KINDS = {};

/** What to show of a change of size; undefined once it is done, or when there was none. */
function relaunchOf(line: Partial<Told> | undefined): Progress | undefined {
  const progress = line?.step ? told(BEGINNING, line as Told) : BEGINNING;
  return progress === BEGINNING || progress.end === 'done' ? undefined : progress;
}

export function Widget({ control }: { control: Control }) {
  const shown = useSyncExternalStore(control.subscribe, control.current);
  const { view, problem, about, progress, busy, blocked, refusal, resizing, stopsAt } = shown;
  const relaunch = useMemo(() => relaunchOf(progress), [progress]);
  const lost = problem ? `${problem.detail} ${problem.remedy}`.trim() : '';
  if (!view?.id || !about) {
    return <p>{trans.__('There is nothing to show. Run the cell again.')}</p>;
  }
  const kind = about.kind ?? kindOf(NO_KINDS, view.kind);
  return (
    <>
      <BackendCard
        backend={view}
        kind={kind}
        history={NONE}
        actions={control.actions}
        trans={trans}
        user={about.user}
        session={about.session}
        density="widget"
        busy={busy || relaunch?.end === ''}
        blocked={blocked || lost}
        stopsAt={stopsAt}
        relaunch={relaunch}
      />
      {resizing && <Resize backend={view} kind={kind} control={control} />}
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
