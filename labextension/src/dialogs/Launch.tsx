/** The Launch dialog. */
import { UUID } from '@lumino/coreutils';
import { useEffect, useId, useRef, useState } from 'react';

import { useStore } from '../components/signals';
import { Trouble } from '../components/Trouble';
import { membersTitle } from '../kinds';
import type { Backend, Catalogue, Launch, Problem, Schedule } from '../model';
import { problemOf } from '../requests';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { begin, type Choice, moved, namesTaken, remember, type Wish } from './choice';
import { type Clock, clockAtFirst, clockFindings, scheduleOf } from './clock';
import { Effect } from './Effect';
import { type Gate, show } from './Frame';
import { LaunchFields } from './LaunchFields';
import { keyOf, unanswered, useCatalogue, useCheck } from './live';
import { laterOutcome, outcomeOf, planOf } from './plan';
import { keep, recall } from './remembered';

/** Ask what to launch, and launch it; null when it was cancelled, or is to start by the clock. */
export async function openLaunch(
  alongside: IAlongside,
  trans: Trans,
  wish: Wish
): Promise<Backend | null> {
  const made = await show<Backend | Schedule>({
    title: trans.__('Launch'),
    accept: trans.__('Launch'),
    trans,
    body: gate => <LaunchBody alongside={alongside} trans={trans} wish={wish} gate={gate} />
  });
  return made && 'phase' in made ? made : null;
}

interface BodyProps {
  alongside: IAlongside;
  trans: Trans;
  wish: Wish;
  gate: Gate<Backend | Schedule>;
}

function LaunchBody({ alongside, trans, wish, gate }: BodyProps) {
  const store = useStore(alongside.store);
  const { catalogue, problem } = useCatalogue(alongside, trans);
  if (!catalogue) {
    const why = problem ?? store.problem;
    return (
      <div role="status">
        {why ? (
          <Trouble detail={why.detail} remedy={why.remedy} />
        ) : (
          <p>{trans.__('Asking what there is …')}</p>
        )}
      </div>
    );
  }
  const first = begin(catalogue, wish, recall(store.user));
  return first ? (
    <LaunchForm {...{ alongside, trans, gate, catalogue, first }} />
  ) : (
    <Trouble
      detail={trans.__('Nothing is on offer for you at the moment.')}
      remedy={trans.__('Ask an administrator for access.')}
    />
  );
}

interface FormProps extends Omit<BodyProps, 'wish'> {
  catalogue: Catalogue;
  first: Choice;
}

interface Attempt {
  choice: Choice;
  clock: Clock;
  body: Launch;
  key: string;
}

function LaunchForm({ alongside, trans, gate, catalogue, first }: FormProps) {
  const { service, store } = alongside;
  const [choice, setChoice] = useState(first);
  const [clock, setClock] = useState(clockAtFirst);
  const [refused, setRefused] = useState<{ of: string; problem: Problem } | null>(null);
  const attempt = useRef<Attempt | null>(null);
  const id = useId();

  const later = clock.on !== '';
  const taken = later
    ? new Set(store.schedules.map(({ name }) => name))
    : namesTaken(store.backends.values(), store.user, store.session);
  const plan = planOf(choice, { catalogue, me: store.me, taken }, trans);
  Object.assign(plan.wrong, clockFindings(clock, trans));
  const sound = Object.keys(plan.wrong).length === 0;
  const now = `${keyOf(choice.profile, plan.request)} ${later ? JSON.stringify(clock) : ''}`;
  const asked = sound && !later ? plan.request : null;
  const checked = useCheck(alongside, choice.profile, asked, trans);
  const refusal = refused?.of === now ? { of: now, chosen: null, problem: refused.problem } : null;
  const found = outcomeOf(plan, choice, store.me, refusal ?? checked, trans);
  const outcome = later ? laterOutcome(found, trans) : found;
  // a launch that was refused may be tried again; what the check refuses, not
  const open = sound && outcome.verdict.fits && !checked?.problem && !store.problem;

  useEffect(() => gate.set(open, `${id}-verdict`), [gate, open, id]);
  useEffect(() => {
    gate.accept = later ? trans.__('Schedule') : '';
  }, [gate, later, trans]);
  gate.act = async () => {
    // an answer that got lost makes no second one: the same request goes out again
    if (attempt.current?.choice !== choice || attempt.current.clock !== clock) {
      const body = { ...plan.request, profile: choice.profile };
      attempt.current = { choice, clock, body, key: UUID.uuid4() };
    }
    const { body, key } = attempt.current;
    setRefused(null);
    try {
      const made = later
        ? await service.schedule(scheduleOf(clock, body), key)
        : await service.launch(body, key);
      keep(store.user, remember(choice));
      if ('phase' in made) {
        store.put(made);
      } else {
        await store.refreshSchedules();
      }
      return made;
    } catch (error) {
      const problem = problemOf(error, trans);
      setRefused({ of: now, problem });
      if (!unanswered(problem)) {
        attempt.current = null;
      }
      return null;
    }
  };

  return (
    <div className="alongside-Launch">
      <LaunchFields
        id={id}
        catalogue={catalogue}
        choice={choice}
        plan={plan}
        wrong={outcome.wrong}
        tied={store.session !== null && !store.alone}
        clock={clock}
        trans={trans}
        onChoice={setChoice}
        onClock={setClock}
        onMove={to => setChoice(moved(catalogue, choice, to))}
      />
      <Effect
        id={`${id}-verdict`}
        title={trans.__('You will get')}
        sum={outcome.sum}
        advice={outcome.advice}
        members={membersTitle(store.kinds, trans)}
        quota={outcome.quota}
        verdict={outcome.verdict}
        problem={store.problem ?? outcome.problem}
        trans={trans}
      />
    </div>
  );
}
