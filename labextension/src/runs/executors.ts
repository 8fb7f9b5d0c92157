/** Who can carry out a run, and what its steps find there. Pure. */

import { capital } from '../kinds';
import type { Me } from '../model';
import type { Trans } from '../words';

/** The executor that carries out runs beside the session. */
const HERE = 'local';

export interface Executor {
  name: string;
  title: string;
  /** What it means to choose it, in a sentence. */
  line: string;
  /** When a run begins there. */
  begins: string;
  /** Why it can't be had for now; '' when it can. */
  why: string;
  /** Whether steps find the user's files where the session has them; otherwise the notebook has to
   * travel with the run. */
  home: boolean;
}

/** Those that the service has, its own choice first; none until that is known. */
export function executorsOf(me: Me | null, trans: Trans): Executor[] {
  return Object.entries(me?.executors ?? {}).map(([name, why]) => {
    const home = me?.homes?.includes(name) ?? name === HERE;
    return {
      name,
      why,
      home,
      title: executorTitle(name, trans),
      line: lineOf(name, home, trans),
      begins:
        name === HERE
          ? trans.__('Begins at once.')
          : trans.__('Begins as soon as the cluster has room.')
    };
  });
}

/** The one that is wished for, if it is there, else the first that can be had; null for none. */
export function chosenOf(executors: readonly Executor[], wished: string): Executor | null {
  return (
    executors.find(({ name }) => name === wished) ??
    executors.find(({ why }) => !why) ??
    executors[0] ??
    null
  );
}

export function executorTitle(name: string, trans: Trans): string {
  switch (name) {
    case HERE:
      return trans.__('This machine');
    case 'argo':
      return trans.__('The cluster');
    default:
      return capital(name);
  }
}

function lineOf(name: string, home: boolean, trans: Trans): string {
  if (name === HERE) {
    return trans.__('In a process of its own, beside this session.');
  }
  return home
    ? trans.__('In a pod of its own, with your files.')
    : trans.__('In a pod of its own, without your files: the notebook travels with the run.');
}
