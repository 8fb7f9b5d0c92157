/** One step of what made a file: when and by whom, with which notebook, values and inputs, where. */
import { type ReactNode, useId } from 'react';

import { Button } from '../components/Button';
import { type Kinds, kindOf, plural } from '../kinds';
import type { Trans } from '../words';
import { executorTitle } from './executors';
import { Hash } from './Hash';
import { momentText, secondsOf, tookText } from './state';
import { type Act, baseOf, keyOf, makerOf, type TracedFile, whereOf } from './tracing';
import type { View } from './types';
import { shown } from './ValueTable';

/** What links lead to. */
export interface TraceActions {
  /** Show a step of a run. */
  run(id: string, step: string, view?: View): void;
  /** Open a file, by its path in the file browser. */
  file(path: string): void;
  /** Put the command that tells the same on the clipboard. */
  copy(sha256: string, derived: boolean): void;
}

interface TraceStepProps {
  act: Act;
  /** All that are shown, for what has made what this one has read. */
  acts: readonly Act[];
  /** The hash of the file that was asked for. */
  traced: string;
  paths: { readonly [place: string]: string };
  kinds: Kinds;
  actions: TraceActions;
  trans: Trans;
}

export function TraceStep({ act, acts, traced, paths, kinds, actions, trans }: TraceStepProps) {
  const id = useId();
  const file = (one: TracedFile) => (
    <FileLine
      key={`${one.name} ${one.place}`}
      {...{ paths, actions, trans }}
      file={one}
      wanted={one.sha256 === traced}
      maker={act.made.includes(one) ? undefined : makerOf(one, act, acts)}
    />
  );
  const values = (of: { [name: string]: unknown }) =>
    Object.entries(of).map(([name, value]) => (
      <li key={name}>
        {name} = <code>{shown(value)}</code>
      </li>
    ));
  const notebook = act.code.sha256 !== '';
  const used = acts.filter(({ run, step }) =>
    act.after.some(([id, name]) => id === run && name === step)
  );
  // what lies with the run, as the executed notebook does, has no URL
  const made = act.made.filter(({ place }) => place.includes('://'));
  const parts: [title: string, items: ReactNode[]][] = [
    [trans.__('Made'), made.map(file)],
    [trans.__('From'), act.read.map(file)],
    [trans.__('After'), used.map(one => <StepLink key={keyOf(one)} act={one} trans={trans} />)],
    [
      trans.__('By'),
      notebook ? [file(act.code)] : [<li key="command">{wordsOf(act.code.place)}</li>]
    ],
    [trans.__('Values'), values(act.values)],
    [trans.__('Results'), values(act.results)],
    [trans.__('On'), placesOf(act, kinds, trans).map(text => <li key={text}>{text}</li>)]
  ];
  return (
    <article
      aria-labelledby={id}
      className="alongside-Trace-step"
      data-act={keyOf(act)}
      tabIndex={-1}
    >
      <div className="alongside-Card-heading">
        <h3 id={id}>{act.step}</h3>
        <span className="alongside-Card-note">{whenOf(act, trans)}</span>
      </div>
      <dl>
        {parts
          .filter(([, items]) => items.length > 0)
          .map(([title, items]) => (
            <div key={title}>
              <dt>{title}</dt>
              <dd>
                <ul>{items}</ul>
              </dd>
            </div>
          ))}
      </dl>
      <Software software={act.software} trans={trans} />
      <div className="alongside-Card-buttons">
        <Button
          onPress={() => actions.run(act.run, act.step)}
          label={trans.__('See run %1, step %2', act.workflow, act.step)}
        >
          {trans.__('See run %1', act.workflow)}
        </Button>
        {notebook && (
          <Button
            onPress={() => actions.run(act.run, act.step, 'notebook')}
            label={trans.__('Executed notebook of %1', act.step)}
          >
            {trans.__('Executed notebook')}
          </Button>
        )}
      </div>
    </article>
  );
}

interface FileLineProps {
  file: TracedFile;
  /** Whether it is the one that was asked for. */
  wanted: boolean;
  maker: Act | undefined;
  paths: TraceStepProps['paths'];
  actions: TraceActions;
  trans: Trans;
}

function FileLine({ file, wanted, maker, paths, actions, trans }: FileLineProps) {
  const base = baseOf(file.place);
  const path = paths[file.place];
  const standing =
    file.now === 'changed'
      ? trans.__('changed since')
      : file.now === 'missing'
        ? trans.__('no longer there')
        : '';
  const name = wanted ? <strong>{base}</strong> : base;
  return (
    <li>
      {path === undefined ? (
        <span title={whereOf(file.place)}>{name}</span>
      ) : (
        <Button
          variant="link"
          onPress={() => actions.file(path)}
          label={trans.__('Open %1', base)}
          title={whereOf(file.place)}
        >
          {name}
        </Button>
      )}{' '}
      <Hash sha256={file.sha256} />
      {file.now === 'same' && (
        <span className="alongside-Card-note" title={trans.__('It is still the same.')}>
          {' '}
          ✓<span className="alongside-Unseen">{trans.__('unchanged')}</span>
        </span>
      )}
      {standing && <span className="alongside-mod-near"> {standing}</span>}
      {maker && (
        <>
          {' ← '}
          <ToStep act={maker} trans={trans} />
        </>
      )}
    </li>
  );
}

function StepLink({ act, trans }: { act: Act; trans: Trans }) {
  return (
    <li>
      <ToStep act={act} trans={trans} />
    </li>
  );
}

/** Goes to another step in the same list. */
function ToStep({ act, trans }: { act: Act; trans: Trans }) {
  return (
    <button
      type="button"
      className="alongside-Button alongside-mod-link"
      aria-label={trans.__('Go to step %1', act.step)}
      onClick={({ currentTarget }) => {
        const steps = currentTarget.closest('ol')?.querySelectorAll<HTMLElement>('[data-act]');
        [...(steps ?? [])].find(({ dataset }) => dataset.act === keyOf(act))?.focus();
      }}
    >
      {act.step}
    </button>
  );
}

function Software({ software, trans }: { software: Act['software']; trans: Trans }) {
  const all = Object.entries(software);
  return all.length > 0 ? (
    <details className="alongside-Facts">
      <summary>{trans.__('Versions')}</summary>
      <p>{all.map(([name, version]) => `${name} ${version}`).join(' · ')}</p>
    </details>
  ) : null;
}

/** "22 Nov, 09:58:16 · 12 s · ada · schedule nightly · attempt 2". */
function whenOf(act: Act, trans: Trans): string {
  return [
    momentText(act.ended),
    tookText(secondsOf(act, 0)),
    act.owner,
    act.origin,
    act.attempt > 1 ? trans.__('attempt %1', act.attempt) : ''
  ]
    .filter(Boolean)
    .join(' · ');
}

/** Who carried it out, on which machine, with what beside it, in which image. */
function placesOf({ executor, host, backend, members, image }: Act, kinds: Kinds, trans: Trans) {
  const { title, member } = kindOf(kinds, backend);
  const size = member ? `${members} ${plural(member, members)}` : members > 0 ? `× ${members}` : '';
  const where = [executor && executorTitle(executor, trans), host].filter(Boolean).join(' · ');
  return [where, backend && `${title} ${size}`.trim(), image].filter(Boolean);
}

/** Those of a command, as they are typed. */
function wordsOf(place: string): string {
  try {
    const words: unknown = JSON.parse(place);
    return Array.isArray(words) ? words.join(' ') : place;
  } catch {
    return place;
  }
}
