/** Cards, each within its own boundary. */
import { BackendCard } from '../components/BackendCard';
import { whyNot } from '../components/permissions';
import type { Backend } from '../model';
import { Boundary } from './Boundary';
import type { PanelContext } from './context';
import { whenDragged } from './drag';

/** What all cards are told alike. */
export interface Shown extends PanelContext {
  user: string;
  session: string | null;
  groups: readonly string[];
  admin: boolean;
  /** Why nothing can be asked for; '' when it can. */
  blocked: string;
}

export function BackendList({ backends, shown }: { backends: Backend[]; shown: Shown }) {
  const { alongside, actions, trans, options } = shown;
  return (
    <ul className="alongside-List">
      {backends.map(backend => (
        <li key={backend.id} className="alongside-List-item" {...dragging(backend, shown)}>
          <Boundary
            of={backend}
            trans={trans}
            detail={trans.__('The backend %1 cannot be shown.', String(backend.name))}
          >
            <BackendCard
              backend={backend}
              kind={alongside.store.kind(backend)}
              history={alongside.store.history(backend.id)}
              actions={actions}
              trans={trans}
              user={shown.user}
              session={shown.session}
              groups={shown.groups}
              admin={shown.admin}
              blocked={shown.blocked}
              attached={options.attachments?.current?.id === backend.id}
              busy={isBusy(backend, shown)}
              stopsAt={options.stops?.at(backend.id)}
              relaunch={options.relaunches?.of(backend.id)}
            />
          </Boundary>
        </li>
      ))}
    </ul>
  );
}

/** Whether something is under way that must be waited for. */
function isBusy({ id }: Backend, { options: { stops, relaunches } }: Shown): boolean {
  return (stops?.sending(id) ?? false) || relaunches?.of(id)?.end === '';
}

/** A card that can be attached can be dragged into a notebook, which does that. */
function dragging(backend: Backend, { options: { attachments }, ...situation }: Shown) {
  if (!attachments?.drag || whyNot('attach', backend, situation)) {
    return {};
  }
  const begin = (at: { clientX: number; clientY: number }) => {
    attachments.drag?.(backend, at).catch(error => console.warn(error));
  };
  return {
    onPointerDown: whenDragged(begin),
    title: situation.trans.__('Drag it into a notebook to attach it')
  };
}
