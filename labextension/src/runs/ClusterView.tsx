/** The backend of a step: the same card as in the panel while it is there, else what was asked for. */
import type { Actions } from '../components/actions';
import { BackendCard } from '../components/BackendCard';
import type { Store } from '../store';
import type { Trans } from '../words';
import type { Step, StepRun } from './types';
import { ValueTable } from './ValueTable';

interface ClusterViewProps {
  step: StepRun;
  defined: Step | undefined;
  store: Store;
  /** What the buttons of its card do. */
  clusters: Actions;
  trans: Trans;
}

/** Whether it computes on anything but its own process. */
export function hasCluster({ backend }: StepRun, defined: Step | undefined): boolean {
  return backend !== '' || Boolean(defined?.backend);
}

export function ClusterView({ step, defined, store, clusters, trans }: ClusterViewProps) {
  const found = store.backends.get(step.backend);
  if (found) {
    return (
      <BackendCard
        backend={found}
        kind={store.kind(found)}
        history={store.history(found.id)}
        actions={clusters}
        trans={trans}
        user={store.user}
        session={store.session}
        blocked={store.problem?.detail ?? ''}
      />
    );
  }
  const wish = typeof defined?.backend === 'object' ? defined.backend : null;
  return (
    <>
      <p className="alongside-Hint">
        {step.backend
          ? trans.__('It has ended. Its size as it was stands in the record of the run.')
          : step.message || trans.__('It is launched when the step begins.')}
      </p>
      {wish && (
        <ValueTable
          title={trans.__('What was asked for')}
          values={{
            kind: store.kind(wish).title,
            ...(wish.profile && { profile: wish.profile }),
            ...wish.options
          }}
        />
      )}
    </>
  );
}
