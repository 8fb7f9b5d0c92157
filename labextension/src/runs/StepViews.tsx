/** What there is to see of one step: its notebook, its log, its attempts, what went in and out. */
import type { INotebookContent } from '@jupyterlab/nbformat';
import { useCallback, useEffect, useLayoutEffect, useRef } from 'react';

import { Button } from '../components/Button';
import { Countdown } from '../components/Countdown';
import { Trouble } from '../components/Trouble';
import type { Problem } from '../model';
import type { Trans } from '../words';
import { failedCell } from './faults';
import { useFresh } from './fresh';
import type { Drawing, LiveNotebook } from './liveNotebook';
import type { RunRequests } from './requests';
import { final, momentText, secondsOf, spentText, stateWord, tookText } from './state';
import type { Step, StepRun } from './types';
import { ValueTable } from './ValueTable';

/** Lines of a log that are shown. */
const TAIL = 2000;

export interface StepViewProps {
  run: string;
  step: StepRun;
  /** 0 is the last one. */
  attempt: number;
  defined: Step | undefined;
  requests: Pick<RunRequests, 'log' | 'notebook'>;
  /** How notebooks are drawn. */
  drawing: Drawing;
  trans: Trans;
  /** Show what made a file that the step has read or made, called so. */
  onTrace: (name: string) => void;
}

/** Whether a cell of an attempt has begun, as far as that is told; of the last one if it is 0. */
export function begun({ state, cells, attempts }: StepRun, attempt: number): boolean {
  return attempt > 0 || (attempts.length > 0 && (state !== 'running' || Boolean(cells)));
}

/** The number of the attempt that is looked at: the last one known if it is 0. Not the last one
 * there is: that of a run which has just been resumed has nothing to show yet. */
function numberOf({ attempts }: StepRun, attempt: number): number {
  return attempt || (attempts[attempts.length - 1]?.number ?? 0);
}

/** Changes when there may be something new. */
function keyOf({ state, cell, attempts }: StepRun): string {
  return `${attempts.length} ${state} ${cell}`;
}

export function NotebookView({ run, step, attempt, requests, drawing, trans }: StepViewProps) {
  const host = useRef<HTMLDivElement>(null);
  const live = useRef<LiveNotebook | null>(null);
  const number = numberOf(step, attempt);
  const ask = useCallback(
    () => requests.notebook(run, step.name, number),
    [requests, run, step.name, number]
  );
  const there = begun(step, attempt);
  const { value, problem } = useFresh(there ? ask : null, keyOf(step), !final(step), trans);
  const at =
    step.state === 'running'
      ? (step.cell ?? null)
      : step.state === 'failed'
        ? failedCell(step)
        : null;
  useEffect(() => {
    let stale = false;
    const draw = async () => {
      const { LiveNotebook } = await import('./liveNotebook');
      if (!stale && host.current) {
        live.current ??= new LiveNotebook(host.current, drawing);
        live.current.show(value as INotebookContent, at);
      }
    };
    if (value) {
      draw().catch(error => console.warn(error));
    }
    return () => {
      stale = true;
    };
  }, [value, at, drawing]);
  // while its place is still on the page: JupyterLab's widgets ask for that
  useLayoutEffect(
    () => () => {
      live.current?.dispose();
      live.current = null;
    },
    []
  );
  return (
    <>
      {!value && <Missing step={step} problem={problem} trans={trans} />}
      <section
        ref={host}
        className="alongside-RunView-notebook"
        aria-label={trans.__('Executed notebook of %1', step.name)}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
      />
    </>
  );
}

export function LogView({ run, step, attempt, requests, trans }: StepViewProps) {
  const node = useRef<HTMLPreElement>(null);
  const number = numberOf(step, attempt);
  const ask = useCallback(
    () => requests.log(run, step.name, number, TAIL),
    [requests, run, step.name, number]
  );
  const { value, problem } = useFresh(ask, keyOf(step), !final(step), trans);
  const follows = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines move the bottom
  useLayoutEffect(() => {
    if (node.current && follows.current) {
      node.current.scrollTop = node.current.scrollHeight;
    }
  }, [value]);
  if (value === null) {
    return <Missing step={step} problem={problem} trans={trans} />;
  }
  return value === '' ? (
    <p className="alongside-Hint">{trans.__('Nothing has been written yet.')}</p>
  ) : (
    <pre
      ref={node}
      className="alongside-RunView-log"
      role="log"
      aria-live="off"
      aria-label={trans.__('Log of %1', step.name)}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        follows.current = scrollHeight - scrollTop - clientHeight < 8;
      }}
    >
      {value}
    </pre>
  );
}

interface MissingProps {
  step: StepRun;
  problem: Problem | null;
  trans: Trans;
}

/** Why there is nothing to see yet. */
function Missing({ step, problem, trans }: MissingProps) {
  // what it waits for is told rather than that there is nothing
  if (step.attempts.length === 0 || (!problem && step.state === 'running' && !step.cells)) {
    return <p className="alongside-Hint">{step.message || trans.__('It has not begun yet.')}</p>;
  }
  if (final(step) && problem?.status === 404) {
    return <p className="alongside-Hint">{trans.__('It has ended before a cell was executed.')}</p>;
  }
  return problem ? (
    <Trouble level="warning" detail={problem.detail} remedy={problem.remedy} />
  ) : (
    <p className="alongside-Hint">{trans.__('A moment …')}</p>
  );
}

export function AttemptsView({ step, trans }: StepViewProps) {
  if (step.attempts.length === 0) {
    return <p className="alongside-Hint">{trans.__('It has not begun yet.')}</p>;
  }
  return (
    <table className="alongside-RunView-table">
      <thead>
        <tr>
          {[
            '#',
            trans.__('State'),
            trans.__('Began'),
            trans.__('Took'),
            trans.__('What happened')
          ].map(title => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {step.attempts.map(one => {
          const spent = spentText(one, trans);
          return (
            <tr key={one.number}>
              <td>{one.number}</td>
              <td>{stateWord(one.state, trans)}</td>
              <td>{momentText(one.started)}</td>
              <td>
                <Countdown read={now => tookText(secondsOf(one, now))} />
                {spent && <small> ({spent})</small>}
              </td>
              <td>{[one.message, one.remedy].filter(Boolean).join(' ')}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

export function ExchangeView({ step, defined, trans, onTrace }: StepViewProps) {
  type Table = [title: string, values: { [name: string]: unknown } | undefined, files?: boolean];
  const tables: Table[] = [
    [trans.__('Values'), defined?.parameters],
    [trans.__('Taken from earlier steps'), defined?.takes],
    [trans.__('Inputs'), defined?.inputs, true],
    [trans.__('Outputs'), defined?.outputs, true],
    [trans.__('Results'), step.results]
  ];
  const filled = tables.filter(([, values]) => Object.keys(values ?? {}).length > 0);
  const trace = (name: string) => (
    <Button
      variant="link"
      onPress={() => onTrace(name)}
      reason={step.state === 'succeeded' ? '' : trans.__('It is recorded when the step is done.')}
      label={trans.__('What made it? %1', name)}
      title={trans.__('The steps of all runs that it goes back to')}
    >
      {trans.__('What made it?')}
    </Button>
  );
  return filled.length === 0 ? (
    <p className="alongside-Hint">
      {trans.__('It was given nothing but its code, and named nothing that comes out.')}
    </p>
  ) : (
    filled.map(([title, values, files]) => (
      <ValueTable
        key={title}
        title={title}
        values={values ?? {}}
        action={files ? trace : undefined}
      />
    ))
  );
}
