/** "Run as workflow step": the dialog, and what has to be known before it can ask. */
import { useEffect, useState } from 'react';

import { Trouble } from '../components/Trouble';
import { type Gate, show } from '../dialogs/Frame';
import type { Problem, Schedule } from '../model';
import { problemOf } from '../requests';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { begin, type Wish } from './plan';
import { RunForm } from './RunForm';
import { type Notebook, RunRequests } from './requests';
import type { Described, Run } from './types';

export interface RunDialogOptions {
  notebook: Notebook;
  wish: Wish;
  /** What was done before it was opened; '' for nothing. */
  note: string;
}

/** Ask how to run a notebook, and run it; null when it was cancelled, or is to begin by the clock. */
export async function openRun(
  alongside: IAlongside,
  trans: Trans,
  options: RunDialogOptions
): Promise<Run | null> {
  const made = await show<Run | Schedule>({
    title: trans.__('Run “%1”', nameOf(options.notebook)),
    accept: trans.__('Run'),
    trans,
    body: gate => <Body {...{ alongside, trans, gate }} {...options} />
  });
  return made && 'state' in made ? made : null;
}

/** Of its file. */
function nameOf(notebook: Notebook): string {
  const path = 'path' in notebook ? notebook.path : notebook.file;
  return path.split('/').pop() ?? '';
}

interface BodyProps extends RunDialogOptions {
  alongside: IAlongside;
  trans: Trans;
  gate: Gate<Run | Schedule>;
}

function Body(props: BodyProps) {
  const { alongside, notebook, wish, trans } = props;
  const [described, setDescribed] = useState<Described | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let stale = false;
    new RunRequests(alongside.service).describe(notebook).then(
      found => stale || setDescribed(found),
      error => stale || setProblem(problemOf(error, trans))
    );
    return () => {
      stale = true;
    };
  }, [alongside, notebook, trans]);
  return described ? (
    <RunForm {...props} described={described} first={begin(described, wish)} />
  ) : (
    <div role="status">
      {problem ? (
        <Trouble detail={problem.detail} remedy={problem.remedy} />
      ) : (
        <p>{trans.__('Reading the notebook …')}</p>
      )}
    </div>
  );
}
