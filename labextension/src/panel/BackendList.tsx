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
  titles: Record<string, string>;
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
              history={alongside.store.history(backend.id)}
              actions={actions}
              trans={trans}
              user={shown.user}
              session={shown.session}
              groups={shown.groups}
              admin={shown.admin}
              blocked={shown.blocked}
              attached={options.attachments?.current?.id === backend.id}
              busy={options.stops?.sending(backend.id) ?? false}
              {...optional({
                stopsAt: options.stops?.at(backend.id),
                kindTitle: shown.titles[backend.kind]
              })}
            />
          </Boundary>
        </li>
      ))}
    </ul>
  );
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

/** Only what is given. */
function optional<T extends object>(values: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Partial<T>;
}
