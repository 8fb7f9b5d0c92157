/** Changing the size of a backend through a kernel that carries its data over the new start. */
import { useEffect } from 'react';
import { relaunchCode } from '../code';
import { useSignals } from '../components/signals';
import type { Backend, Patch } from '../model';
import { cancellable, type Progress } from '../relaunch/progress';
import type { Attached, Relaunches } from '../relaunch/relaunches';
import type { AboutProps } from './change';
import { type Carrying, carrier } from './Relaunch';

interface CarryProps extends AboutProps {
  backend: Backend;
  relaunches: Relaunches | null;
}

const NOBODY: Attached[] = [];

/** The kernels that are attached, how far a change is, and how to make one instead of asking the
 * service alone; null where no kernel could. */
export function useCarrying(
  { alongside, backend, relaunches, gate, trans }: CarryProps,
  carrying: Carrying,
  relaunch: boolean
): {
  attached: Attached[];
  progress: Progress | undefined;
  carry: ((patch: Patch) => Promise<Backend | null>) | null;
} {
  useSignals(true, relaunches?.changed);
  const attached = (relaunch && relaunches?.attached(backend.id)) || NOBODY;
  const progress = relaunches?.of(backend.id);
  const chosen = carrier(attached, carrying);
  const early = progress !== undefined && cancellable(progress);
  const under = progress?.end === '';
  useEffect(() => {
    gate.leaving = under
      ? {
          label: early ? trans.__('Call off') : trans.__('Close'),
          // it goes on without the dialog once it can't be called off; the card shows it
          act: () => relaunches?.cancel(backend.id) ?? false
        }
      : null;
    return () => {
      gate.leaving = null;
    };
  }, [gate, relaunches, trans, backend.id, under, early]);
  const carry = async ({ options }: Patch): Promise<Backend | null> => {
    if (!relaunches || !chosen) {
      return null;
    }
    relaunches.forget(backend.id);
    const code = relaunchCode(backend.id, options ?? {}, carrying.discard);
    const { end, step } = await relaunches.run(backend.id, chosen.kernel, code);
    if (end === 'done' || step === 'starting' || step === 'restoring') {
      const lost = attached.map(({ kernel }) => kernel);
      relaunches.detached(carrying.discard ? lost : lost.filter(one => one !== chosen.kernel));
    }
    return end === 'done' ? (alongside.store.backends.get(backend.id) ?? backend) : null;
  };
  return { attached, progress, carry: chosen ? carry : null };
}
