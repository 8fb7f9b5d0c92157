/** Having a run begun, now or by the clock, from a dialog. */
import { UUID } from '@lumino/coreutils';
import { useRef, useState } from 'react';

import { type Clock, runScheduleOf } from '../dialogs/clock';
import type { Gate } from '../dialogs/Frame';
import { unanswered } from '../dialogs/live';
import type { Problem, Schedule } from '../model';
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
  /** When it begins. */
  clock: Clock;
}

/** Let the dialog's button submit it. What the service says against it comes back, as long as the
 * same is asked for. */
export function useSubmission(
  alongside: IAlongside,
  gate: Gate<Run | Schedule>,
  trans: Trans,
  { workflow, executor, brings, clock }: Asked
): Problem | null {
  const [refused, setRefused] = useState<{ of: string; problem: Problem } | null>(null);
  const attempt = useRef<{ of: string; key: string; whole: Workflow } | null>(null);
  const of = JSON.stringify([workflow, executor, clock]);
  const { service, store } = alongside;
  gate.act = async () => {
    setRefused(null);
    const requests = new RunRequests(service);
    try {
      // an answer that got lost makes no second run: the same request goes out again
      if (attempt.current?.of !== of) {
        const whole = brings
          ? { ...workflow, notebooks: { [brings.place]: await requests.content(brings.notebook) } }
          : workflow;
        attempt.current = { of, key: UUID.uuid4(), whole };
      }
      const { key, whole } = attempt.current;
      if (clock.on) {
        const made = await service.schedule(runScheduleOf(clock, whole, executor), key);
        await store.refreshSchedules();
        return made;
      }
      const run = await requests.submit(whole, executor, key);
      store.putRun(run);
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
