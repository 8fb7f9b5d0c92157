/** Changing one backend from a dialog. */
import { useEffect, useState } from 'react';

import { useStore } from '../components/signals';
import { type Backend, ended, type Patch, type Problem } from '../model';
import { problemOf } from '../requests';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import type { Gate } from './Frame';

export interface AboutProps {
  alongside: IAlongside;
  trans: Trans;
  id: string;
  gate: Gate<Backend>;
}

/** The backend as it is now, and why it can't be changed, if it can't. The last that was known of
 * it stays when it is gone, so that nothing vanishes from the dialog. */
export function useBackend({ alongside, id, trans }: AboutProps): {
  backend: Backend | null;
  obstacle: Problem | null;
} {
  const store = useStore(alongside.store);
  const now = store.backends.get(id) ?? null;
  const [last, setLast] = useState(now);
  useEffect(() => {
    if (now) {
      setLast(now);
    }
  }, [now]);
  return { backend: now ?? last, obstacle: obstacleOf(now, store.problem, trans) };
}

function obstacleOf(
  backend: Backend | null,
  problem: Problem | null,
  trans: Trans
): Problem | null {
  if (problem) {
    return problem;
  }
  const remedy = trans.__('Launch a new one.');
  if (!backend) {
    return { detail: trans.__('It is not there any more.'), remedy };
  }
  if (backend.phase === 'failed') {
    const detail = backend.message || trans.__('It has failed.');
    return { detail, remedy: backend.remedy || remedy };
  }
  return ended(backend) || backend.phase === 'stopping'
    ? { detail: trans.__('It has ended, or is about to.'), remedy }
    : null;
}

/** Let the dialog's button send `patch`; null: it can't be pressed. What the service says against
 * it comes back, as long as the patch is the same. `reason` is the id of what says why not; `carry`
 * makes the change in the service's place. */
export function useChange(
  { alongside, id, gate, trans }: AboutProps,
  patch: Patch | null,
  reason: string,
  carry: ((patch: Patch) => Promise<Backend | null>) | null = null
): Problem | null {
  const [refused, setRefused] = useState<{ of: string; problem: Problem } | null>(null);
  const of = JSON.stringify(patch);
  useEffect(() => gate.set(patch !== null, reason), [gate, patch, reason]);
  gate.act = async () => {
    if (!patch) {
      return null;
    }
    setRefused(null);
    if (carry) {
      return await carry(patch);
    }
    try {
      const backend = await alongside.service.change(id, patch);
      alongside.store.put(backend);
      return backend;
    } catch (error) {
      setRefused({ of, problem: problemOf(error, trans) });
      return null;
    }
  };
  return refused?.of === of ? refused.problem : null;
}
