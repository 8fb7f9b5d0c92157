/** The Launch dialog. */
import { UUID } from '@lumino/coreutils';
import { useEffect, useId, useRef, useState } from 'react';

import { useStore } from '../components/signals';
import { Trouble } from '../components/Trouble';
import { membersTitle } from '../kinds';
import type { Backend, Catalogue, Launch, Problem } from '../model';
import { problemOf } from '../requests';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import { begin, type Choice, moved, namesTaken, remember, type Wish } from './choice';
import { Effect } from './Effect';
import { type Gate, show } from './Frame';
import { LaunchFields } from './LaunchFields';
import { keyOf, unanswered, useCatalogue, useCheck } from './live';
import { outcomeOf, planOf } from './plan';
import { keep, recall } from './remembered';

/** Ask what to launch, and launch it; null when it was cancelled. */
export function openLaunch(
  alongside: IAlongside,
  trans: Trans,
  wish: Wish
): Promise<Backend | null> {
  return show<Backend>({
    title: trans.__('Launch'),
    accept: trans.__('Launch'),
    trans,
    body: gate => <LaunchBody alongside={alongside} trans={trans} wish={wish} gate={gate} />
  });
}

interface BodyProps {
  alongside: IAlongside;
  trans: Trans;
  wish: Wish;
  gate: Gate<Backend>;
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

function LaunchForm({ alongside, trans, gate, catalogue, first }: FormProps) {
  const { service, store } = alongside;
  const [choice, setChoice] = useState(first);
  const [refused, setRefused] = useState<{ of: string; problem: Problem } | null>(null);
  const attempt = useRef<{ choice: Choice; body: Launch; key: string } | null>(null);
  const id = useId();

  const taken = namesTaken(store.backends.values(), store.user, store.session);
  const plan = planOf(choice, { catalogue, me: store.me, taken }, trans);
  const sound = Object.keys(plan.wrong).length === 0;
  const now = keyOf(choice.profile, plan.request);
  const checked = useCheck(alongside, choice.profile, sound ? plan.request : null, trans);
  const refusal = refused?.of === now ? { of: now, chosen: null, problem: refused.problem } : null;
  const outcome = outcomeOf(plan, choice, store.me, refusal ?? checked, trans);
  // a launch that was refused may be tried again; what the check refuses, not
  const open = sound && outcome.verdict.fits && !checked?.problem && !store.problem;

  useEffect(() => gate.set(open, `${id}-verdict`), [gate, open, id]);
  gate.act = async () => {
    // an answer that got lost makes no second one: the same request goes out again
    if (attempt.current?.choice !== choice) {
      const body = { ...plan.request, profile: choice.profile };
      attempt.current = { choice, body, key: UUID.uuid4() };
    }
    setRefused(null);
    try {
      const backend = await service.launch(attempt.current.body, attempt.current.key);
      keep(store.user, remember(choice));
      store.put(backend);
      return backend;
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
        trans={trans}
        onChoice={setChoice}
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
