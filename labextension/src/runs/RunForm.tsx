/** The form from which a notebook is run: its values, who carries it out, on what it computes. */
import { useEffect, useId, useState } from 'react';

import { useStore } from '../components/signals';
import { Cards } from '../dialogs/Cards';
import { ClockFields } from '../dialogs/ClockFields';
import { type Choice as Launch, moved, namesTaken, begin as sizeOf } from '../dialogs/choice';
import { clockFindings, clockOfRun } from '../dialogs/clock';
import { Effect } from '../dialogs/Effect';
import type { Gate } from '../dialogs/Frame';
import { unusable } from '../dialogs/findings';
import { SizeFields } from '../dialogs/LaunchFields';
import { useCatalogue, useCheck } from '../dialogs/live';
import { outcomeOf, planOf } from '../dialogs/plan';
import { recall } from '../dialogs/remembered';
import { membersTitle } from '../kinds';
import type { Catalogue, Problem, Schedule } from '../model';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { chosenOf, type Executor, executorsOf } from './executors';
import { ParameterFields } from './ParameterFields';
import {
  backendWish,
  type Choice,
  type Computing,
  ofSession,
  placeOf,
  type Wish,
  workflowOf,
  wrongOf
} from './plan';
import type { Notebook } from './requests';
import { StepFields } from './StepFields';
import { useSubmission } from './submission';
import type { Described, Run } from './types';

interface FormProps {
  alongside: IAlongside;
  trans: Trans;
  gate: Gate<Run | Schedule>;
  notebook: Notebook;
  described: Described;
  wish: Wish;
  /** What was done before it was opened; '' for nothing. */
  note: string;
  /** What the inputs begin with. */
  first: Choice;
}

export function RunForm({
  alongside,
  trans,
  gate,
  notebook,
  described,
  wish,
  note,
  first
}: FormProps) {
  const store = useStore(alongside.store);
  const { catalogue } = useCatalogue(alongside, trans);
  const [choice, setChoice] = useState(first);
  const [size, setSize] = useState<Launch | null>(null);
  const [clock, setClock] = useState(clockOfRun);
  const id = useId();

  const executors = executorsOf(store.me, trans);
  const executor = chosenOf(executors, choice.executor);
  const home = executor?.home ?? true;

  const own = choice.computing === 'own';
  const launch = own && catalogue ? (size ?? sizeFor(catalogue, wish, store.user)) : null;
  const taken = namesTaken(store.backends.values(), store.user, store.session);
  const plan =
    launch && catalogue ? planOf(launch, { catalogue, me: store.me, taken }, trans) : null;
  const sound = plan !== null && Object.keys(plan.wrong).length === 0;
  const checked = useCheck(
    alongside,
    launch?.profile ?? '',
    sound && plan ? plan.request : null,
    trans
  );
  const outcome = plan && launch ? outcomeOf(plan, launch, store.me, checked, trans) : null;

  const later = clock.on !== '';
  const untimely = clockFindings(clock, trans);
  const wrong = { ...wrongOf(described, choice, home, trans), ...untimely };
  const count = Object.keys(wrong).length;
  const workflow = workflowOf(
    described,
    choice,
    launch && catalogue ? backendWish(catalogue, launch) : null,
    home
  );
  const refusal = useSubmission(alongside, gate, trans, {
    workflow,
    executor: executor?.name ?? '',
    brings: home ? null : { place: placeOf(described), notebook },
    clock
  });
  // no room now is no obstacle: the run waits for it
  const impossible = own && (!sound || isFinal(checked?.problem) || !plan || unavailable(plan));
  const lost = later && choice.computing === 'session';
  const open = count === 0 && !impossible && !lost && !executor?.why && !store.problem;
  useEffect(() => gate.set(open, `${id}-verdict`), [gate, open, id]);
  useEffect(() => {
    gate.accept = later ? trans.__('Schedule') : '';
  }, [gate, later, trans]);

  return (
    <div className="alongside-Launch">
      <div className="alongside-Fields">
        {note && (
          <p className="alongside-Hint" role="status">
            {note}
          </p>
        )}
        <ParameterFields
          id={id}
          parameters={described.parameters}
          texts={choice.texts}
          wrong={wrong}
          trans={trans}
          onText={(name, text) =>
            setChoice({ ...choice, texts: { ...choice.texts, [name]: text } })
          }
        />
        <Cards
          id={`${id}-executor`}
          legend={trans.__('Runs on')}
          chosen={executor?.name ?? ''}
          cards={executors.map(({ name, title, line, why }) => ({
            value: name,
            title,
            lines: [line],
            why
          }))}
          onChoose={name => setChoice({ ...choice, executor: name })}
        />
        <Cards
          id={`${id}-computing`}
          legend={trans.__('Backend')}
          chosen={choice.computing}
          cards={computings(alongside, later, trans)}
          onChoose={value => setChoice({ ...choice, computing: value as Computing })}
        />
        {launch && plan && catalogue && (
          <SizeFields
            id={`${id}-own`}
            catalogue={catalogue}
            choice={launch}
            plan={plan}
            wrong={outcome?.wrong ?? {}}
            trans={trans}
            onChoice={setSize}
            onMove={to => setSize(moved(catalogue, launch, to))}
          />
        )}
        <ClockFields
          id={`${id}-clock`}
          clock={clock}
          run
          wrong={untimely}
          trans={trans}
          onClock={setClock}
        />
        <StepFields
          id={id}
          notebook={described.notebook}
          home={home}
          choice={choice}
          wrong={wrong}
          trans={trans}
          onChoice={setChoice}
        />
      </div>
      <Effect
        id={`${id}-verdict`}
        title={trans.__('What will happen')}
        sum={outcome?.sum ?? []}
        advice={outcome?.advice ?? ''}
        note={[
          executors.length < 2 ? executor?.line : '', // else it stands beside the choice
          own ? trans.__('Its backend is started for it and ends with it.') : ''
        ]
          .filter(Boolean)
          .join(' ')}
        members={membersTitle(store.kinds, trans)}
        quota={outcome?.quota ?? []}
        verdict={verdictOf({ count, executor, outcome, later, lost }, trans)}
        problem={store.problem ?? refusal ?? (isFinal(outcome?.problem) ? outcome.problem : null)}
        trans={trans}
      />
    </div>
  );
}

interface Facts {
  /** Values that can't be used. */
  count: number;
  executor: Executor | null;
  outcome: ReturnType<typeof outcomeOf> | null;
  /** Whether it begins by the clock, and that what it computes on may not be there then. */
  later: boolean;
  lost: boolean;
}

function verdictOf({ count, executor, outcome, later, lost }: Facts, trans: Trans) {
  if (count > 0) {
    return { fits: false, sentence: unusable(count, trans), remedy: '' };
  }
  if (executor?.why) {
    return { fits: false, sentence: executor.why, remedy: '' };
  }
  if (lost) {
    const remedy = trans.__('Choose another backend.');
    return { fits: false, sentence: trans.__('This session may not be there then.'), remedy };
  }
  if (later) {
    const sentence = trans.__('Begins by itself, whether you are logged in or not.');
    return { fits: true, sentence, remedy: '' };
  }
  return outcome && !outcome.verdict.fits
    ? { ...outcome.verdict, remedy: trans.__('The run waits until there is room.') }
    : { fits: true, sentence: executor?.begins ?? trans.__('Begins at once.'), remedy: '' };
}

function sizeFor(catalogue: Catalogue, { step }: Wish, user: string): Launch | null {
  const before = typeof step?.backend === 'object' ? step.backend : null;
  const wish = before
    ? { kind: before.kind, profile: before.profile ?? undefined, options: before.options }
    : {};
  return sizeOf(catalogue, wish, recall(user));
}

/** Whether waiting does not help. */
function isFinal(problem: Problem | null | undefined): problem is Problem {
  return [400, 404, 422].includes(problem?.status ?? 0);
}

function unavailable({ offer }: ReturnType<typeof planOf>): boolean {
  return Boolean(offer.unavailable);
}

/** On what it can compute. */
function computings({ store }: IAlongside, later: boolean, trans: Trans) {
  const first = ofSession(store);
  return [
    {
      value: 'none',
      title: trans.__('None'),
      lines: [trans.__('The notebook computes by itself.')]
    },
    {
      value: 'own',
      title: trans.__('Its own'),
      lines: [trans.__('Started for the run; ends with it.')]
    },
    {
      value: 'session',
      title: trans.__('This session’s'),
      lines: [first ? first.name : ''],
      why: later
        ? trans.__('This session may not be there then.')
        : first
          ? ''
          : trans.__('Nothing runs alongside this session.')
    }
  ];
}
