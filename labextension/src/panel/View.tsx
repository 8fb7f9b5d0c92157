/** The panel: what there is of it, and in which state. */
import { Button as LabButton } from '@jupyter/react-components';
import { useEffect, useState } from 'react';
import { useSignals } from '../components/signals';
import { Trouble } from '../components/Trouble';
import type { Problem } from '../model';
import type { Trans } from '../words';
import { Announcer } from './announcer';
import type { Shown } from './BackendList';
import { Boundary } from './Boundary';
import type { PanelContext } from './context';
import { type Section, sectionsOf, Views } from './Views';
import { useCatalogueProblem } from './watch';

const NO_GROUPS: readonly string[] = [];

interface ViewProps extends PanelContext {
  /** Whether it can be seen: what can't isn't drawn again. */
  visible: boolean;
  /** What somebody wants to see; another object asks anew. */
  asked?: { section: Section } | null;
}

export function View(props: ViewProps) {
  const { trans } = props;
  return (
    <Boundary of={props} trans={trans} detail={trans.__('The backends cannot be shown.')}>
      <Content {...props} />
    </Boundary>
  );
}

function Content({ visible, asked, ...context }: ViewProps) {
  const { alongside, trans, options } = context;
  const { store } = alongside;
  const { stops, attachments, preferences, relaunches } = options;
  useSignals(
    visible,
    store.changed,
    stops?.changed,
    attachments?.changed,
    preferences?.changed,
    relaunches?.changed
  );
  const [section, setSection] = useState<Section>('backends');
  useEffect(() => {
    if (asked) {
      setSection(asked.section);
    }
  }, [asked]);
  const { me, session, problem } = store;
  const admin = me?.admin ?? false;
  // only who could mend it is told
  const unused = useCatalogueProblem(alongside, visible && admin && problem === null);
  const shown: Shown = {
    ...context,
    user: store.user || me?.user || '',
    session,
    groups: me?.groups ?? NO_GROUPS,
    admin,
    blocked: problem?.detail ?? ''
  };
  // a server that has just started hasn't heard from the service yet
  const waiting = !store.loaded || (!store.connected && store.backends.size === 0);
  const loading = waiting && problem === null;
  const chosen = sectionsOf(shown).includes(section) ? section : 'backends';
  return (
    <div className={`alongside-Panel${problem ? ' alongside-mod-old' : ''}`} aria-busy={loading}>
      <Header {...context} section={chosen} blocked={shown.blocked} />
      {problem && <Offline problem={problem} old={store.loaded} trans={trans} />}
      {admin && unused && <CatalogueProblem detail={unused} trans={trans} />}
      {loading && <Loading trans={trans} />}
      {store.loaded && !loading && <Views shown={shown} chosen={chosen} onChoose={setSection} />}
      <Announcements context={context} />
    </div>
  );
}

interface HeaderProps extends PanelContext {
  section: Section;
  blocked: string;
}

function Header({ trans, options, section, blocked }: HeaderProps) {
  const runs = section === 'runs' && options.run;
  return (
    <div className="alongside-Header">
      <h2>{trans.__('Alongside')}</h2>
      <LabButton
        appearance="accent"
        disabled={blocked !== ''}
        title={blocked || (runs ? trans.__('Run a notebook') : trans.__('Launch a backend'))}
        onClick={runs ? options.run : options.launch}
      >
        {runs ? trans.__('+ Run…') : trans.__('+ Launch')}
      </LabButton>
    </div>
  );
}

function Offline({ problem, old, trans }: { problem: Problem; old: boolean; trans: Trans }) {
  return (
    <div className="alongside-Banner" role="alert">
      <Trouble
        level="warning"
        detail={problem.detail}
        remedy={[problem.remedy, old ? trans.__('What is below may be old.') : '']
          .filter(Boolean)
          .join(' ')}
      />
    </div>
  );
}

function CatalogueProblem({ detail, trans }: { detail: string; trans: Trans }) {
  return (
    <div className="alongside-Banner">
      <Trouble
        level="warning"
        cause={trans.__('The newest edit of the catalogue is not in use')}
        detail={detail}
      />
    </div>
  );
}

function Loading({ trans }: { trans: Trans }) {
  return (
    <div className="alongside-Loading" role="status" aria-label={trans.__('Looking for backends')}>
      <div />
      <div />
      <div />
    </div>
  );
}

function Announcements({ context }: { context: PanelContext }) {
  const { alongside, trans } = context;
  const [text, setText] = useState('');
  useEffect(() => {
    const announcer = new Announcer(alongside.store, trans);
    announcer.said.connect((_, said) => setText(said));
    return () => announcer.dispose();
  }, [alongside.store, trans]);
  return (
    <div className="alongside-Unseen" role="status" aria-live="polite">
      {text}
    </div>
  );
}
