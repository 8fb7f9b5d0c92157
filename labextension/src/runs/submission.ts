/** Having a run begun, from a dialog. */
import { UUID } from '@lumino/coreutils';
import { useRef, useState } from 'react';

import type { Gate } from '../dialogs/Frame';
import { unanswered } from '../dialogs/live';
import type { Problem } from '../model';
import { problemOf } from '../requests';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { type Notebook, RunRequests } from './requests';
import type { Run, Workflow } from './types';

export interface Asked {
  workflow: Workflow;
  executor: string;
  /** The notebook that travels with it, and what the workflow calls it; null: it is found there. */
  brings: { place: string; notebook: Notebook } | null;
}

/** Let the dialog's button submit it. What the service says against it comes back, as long as the
 * same is asked for. */
export function useSubmission(
  alongside: IAlongside,
  gate: Gate<Run>,
  trans: Trans,
  { workflow, executor, brings }: Asked
): Problem | null {
  const [refused, setRefused] = useState<{ of: string; problem: Problem } | null>(null);
  const attempt = useRef<{ of: string; key: string; whole: Workflow } | null>(null);
  const of = JSON.stringify([workflow, executor]);
  gate.act = async () => {
    setRefused(null);
    const requests = new RunRequests(alongside.service);
    try {
      // an answer that got lost makes no second run: the same request goes out again
      if (attempt.current?.of !== of) {
        const whole = brings
          ? { ...workflow, notebooks: { [brings.place]: await requests.content(brings.notebook) } }
          : workflow;
        attempt.current = { of, key: UUID.uuid4(), whole };
      }
      const { key, whole } = attempt.current;
      const run = await requests.submit(whole, executor, key);
      alongside.store.putRun(run);
      return run;
    } catch (error) {
      const problem = problemOf(error, trans);
      setRefused({ of, problem });
      if (!unanswered(problem)) {
        attempt.current = null;
      }
      return null;
    }
  };
  return refused?.of === of ? refused.problem : null;
}
