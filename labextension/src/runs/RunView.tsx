/** All of one run: its graph, and what there is to see of the step that is chosen. */
import { useEffect, useState } from 'react';

import type { Actions } from '../components/actions';
import { Button } from '../components/Button';
import { Sections } from '../components/Sections';
import { useStore } from '../components/signals';
import { Boundary } from '../panel/Boundary';
import type { Store } from '../store';
import type { Trans } from '../words';
import type { RunActions } from './actions';
import { ClusterView, hasCluster } from './ClusterView';
import { Dag } from './Dag';
import type { Drawing } from './liveNotebook';
import { RunHeader } from './RunHeader';
import type { RunRequests } from './requests';
import {
  AttemptsView,
  begun,
  ExchangeView,
  LogView,
  NotebookView,
  type StepViewProps
} from './StepViews';
import { final, foremost } from './state';
import type { Run, Step, StepRun, View } from './types';

export interface RunViewProps {
  id: string;
  /** Its name, should it be gone. */
  name: string;
  /** What somebody wants to see; another object asks anew. */
  asked: { step?: string; view?: View };
  store: Store;
  requests: Pick<RunRequests, 'get' | 'log' | 'notebook'>;
  actions: RunActions;
  /** What the buttons of a backend's card do. */
  clusters: Actions;
  drawing: Drawing;
  trans: Trans;
}

const NOTHING: readonly Step[] = [];

export function RunView(props: RunViewProps) {
  const { id, name, trans } = props;
  const run = useStore(props.store).runs?.get(id);
  return run ? (
    <Content {...props} run={run} />
  ) : (
    <p className="alongside-Hint" role="status">
      {props.store.loaded
        ? trans.__('The run “%1” is no longer there.', name)
        : trans.__('A moment …')}
    </p>
  );
}

function Content({ run, asked, ...rest }: RunViewProps & { run: Run }) {
  const { store, requests, actions, clusters, drawing, trans } = rest;
  const [chosen, setChosen] = useState('');
  const [view, setView] = useState<View | ''>('');
  const [attempt, setAttempt] = useState(0);
  const definition = useDefinition(requests, run.id);
  const defined = definition ?? NOTHING;
  useEffect(() => {
    setChosen(asked.step ?? '');
    setView(asked.view ?? '');
    setAttempt(0);
  }, [asked]);
  const step = run.steps.find(({ name }) => name === chosen) ?? foremost(run);
  const asDefined = defined.find(({ name }) => name === step?.name);
  const choose = (name: string) => {
    setChosen(name);
    setAttempt(0);
  };
  return (
    <div className="alongside-RunView alongside-Panel">
      <RunHeader run={run} store={store} actions={actions} trans={trans} />
      <Dag
        steps={run.steps}
        defined={defined}
        chosen={step?.name ?? ''}
        trans={trans}
        onChoose={choose}
      />
      {step && definition && (
        <Chosen
          {...{ step, attempt, requests, drawing, trans, store, clusters, defined: asDefined }}
          run={run.id}
          onReport={() => actions.report(run, step.name, attempt)}
          onTrace={file => actions.trace(step.unchanged || run.id, step.name, file)}
          view={view || (asDefined?.command ? 'log' : 'notebook')}
          onView={one => {
            setView(one);
            setChosen(step.name); // who looks closer at a step is not taken to the next one
          }}
          onAttempt={setAttempt}
        />
      )}
    </div>
  );
}

/** The steps as they were defined; null until they are known, none when they can't be. */
function useDefinition(requests: RunViewProps['requests'], id: string): readonly Step[] | null {
  const [defined, setDefined] = useState<readonly Step[] | null>(null);
  useEffect(() => {
    let stale = false;
    requests.get(id).then(
      ({ workflow }) => stale || setDefined(workflow.steps),
      error => {
        console.warn(error);
        stale || setDefined(NOTHING); // the graph then has no lines; all else is there
      }
    );
    return () => {
      stale = true;
    };
  }, [requests, id]);
  return defined;
}

interface ChosenProps extends StepViewProps {
  store: Store;
  clusters: Actions;
  view: View;
  onReport: () => void;
  onView: (view: View) => void;
  onAttempt: (attempt: number) => void;
}

function Chosen({ view: wanted, onView, onAttempt, onReport, ...props }: ChosenProps) {
  const { step, attempt, trans, defined, store } = props;
  const titles: [View, string][] = [
    ['notebook', final(step) ? trans.__('Notebook') : trans.__('Notebook (live)')],
    ['log', trans.__('Log')],
    ['cluster', trans.__('Cluster')],
    ['attempts', trans.__('Attempts')],
    ['exchange', trans.__('Inputs and outputs')]
  ];
  const command = Boolean(defined?.command);
  const shown = titles.filter(
    ([one]) =>
      !(one === 'notebook' && command) && !(one === 'cluster' && !hasCluster(step, defined))
  );
  // another step may have less to see
  const view = shown.some(([one]) => one === wanted) ? wanted : command ? 'log' : 'notebook';
  return (
    <section className="alongside-RunView-step" aria-label={trans.__('Step %1', step.name)}>
      <div className="alongside-RunView-about">
        <strong>{step.name}</strong>
        {!command && begun(step, attempt) && (
          <Button
            variant="link"
            onPress={onReport}
            reason={store.problem?.detail}
            title={trans.__('Save the executed notebook as a page that anybody can read')}
          >
            {trans.__('Report')}
          </Button>
        )}
        <AttemptChoice step={step} attempt={attempt} trans={trans} onAttempt={onAttempt} />
      </div>
      <Sections
        // told of a tab that it hasn't got yet, it shows its first one, and says so to nobody
        key={shown.map(([one]) => one).join(' ')}
        label={trans.__('What is shown of %1', step.name)}
        titles={shown}
        chosen={view}
        onChoose={onView}
      >
        <Boundary of={step} trans={trans} detail={trans.__('This cannot be shown.')}>
          {/* another step's, or attempt's, is another one */}
          <Seen key={`${step.name} ${attempt}`} {...props} view={view} />
        </Boundary>
      </Sections>
    </section>
  );
}

type SeenProps = Pick<ChosenProps, 'store' | 'clusters' | 'view'> & StepViewProps;

function Seen({ view, store, clusters, ...props }: SeenProps) {
  switch (view) {
    case 'notebook':
      return <NotebookView {...props} />;
    case 'log':
      return <LogView {...props} />;
    case 'cluster':
      return <ClusterView {...props} store={store} clusters={clusters} />;
    case 'attempts':
      return <AttemptsView {...props} />;
    case 'exchange':
      return <ExchangeView {...props} />;
  }
}

interface AttemptChoiceProps {
  step: StepRun;
  attempt: number;
  trans: Trans;
  onAttempt: (attempt: number) => void;
}

/** Nothing where there is nothing to choose. */
function AttemptChoice({ step, attempt, trans, onAttempt }: AttemptChoiceProps) {
  const numbers = step.attempts.map(({ number }) => number);
  const last = numbers.at(-1) ?? 1;
  return numbers.length > 1 ? (
    <select
      className="alongside-Select"
      aria-label={trans.__('Attempt')}
      value={attempt || last}
      onChange={event => {
        const number = Number(event.target.value);
        onAttempt(number === last ? 0 : number);
      }}
    >
      {numbers.map(number => (
        <option key={number} value={number}>
          {trans.__('attempt %1 of %2', number, last)}
        </option>
      ))}
    </select>
  ) : null;
}
