/** What stands over all of a run: its name, how far it is, and what can be done with it. */
import { useCallback } from 'react';

import { Button } from '../components/Button';
import { Countdown } from '../components/Countdown';
import { Trouble } from '../components/Trouble';
import type { Store } from '../store';
import type { Trans } from '../words';
import type { RunActions } from './actions';
import { faultOf, recordText, resumeText } from './faults';
import { backendText, final, resumable, stateText, whenText } from './state';
import type { Run } from './types';

interface RunHeaderProps {
  run: Run;
  store: Store;
  actions: RunActions;
  trans: Trans;
}

export function RunHeader({ run, store, actions, trans }: RunHeaderProps) {
  const fault = faultOf(run, trans);
  const blocked = store.problem?.detail ?? '';
  const began = whenText(run.started ?? run.created, Date.now(), trans);
  const computing = run.steps
    .filter(step => !final(step))
    .map(step => backendText(step, store.backends, store.kinds))
    .filter(Boolean);
  return (
    <div className="alongside-RunView-header">
      <div>
        <strong>{run.name}</strong>{' '}
        <Countdown
          className="alongside-Card-state"
          read={useCallback((time: number) => stateText(run, time, trans), [run, trans])}
        />
        <span className="alongside-Card-note">
          {' · '}
          {run.origin
            ? trans.__('started %1 by %2', began, run.origin)
            : trans.__('started %1', began)}
        </span>
      </div>
      <div className="alongside-Card-buttons">
        {[...new Set(computing)].map(text => (
          <span key={text} className="alongside-RunView-pill">
            {text}
          </span>
        ))}
        <Button
          variant="link"
          onPress={() => actions.record(run)}
          reason={blocked}
          title={recordText(trans)}
        >
          {trans.__('Record')}
        </Button>
        <Button
          variant="link"
          onPress={() => actions.compare(run)}
          title={trans.__('Show it beside another run')}
        >
          {trans.__('Compare…')}
        </Button>
        {resumable(run) && (
          <Button variant="primary" onPress={() => actions.resume(run)} reason={blocked}>
            {resumeText(run, fault, trans)}
          </Button>
        )}
        {!final(run) && (
          <Button onPress={() => actions.cancel(run)} reason={blocked}>
            {trans.__('Cancel')}
          </Button>
        )}
      </div>
      {fault && <Trouble cause={fault.cause} detail={fault.detail} remedy={fault.remedy} />}
    </div>
  );
}
