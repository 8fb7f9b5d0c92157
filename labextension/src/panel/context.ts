/** What all parts of the panel are given. */
import type { ISignal } from '@lumino/signaling';

import type { Actions } from '../components/actions';
import type { Backend } from '../model';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import type { PendingStops } from './stops';

/** What the panel is told by other plugins; without it, it shows less. */
export interface PanelOptions {
  /** Open the Launch dialog. */
  launch: () => void;
  stops?: PendingStops | undefined;
  /** The backend that the current notebook is connected to. */
  attachments?:
    | {
        readonly current: Backend | null;
        readonly changed: ISignal<unknown, void>;
        /** Drag the cell that attaches it, from where the mouse is. */
        drag?(backend: Backend, at: { clientX: number; clientY: number }): Promise<void>;
      }
    | null
    | undefined;
  /** Whether backends that have ended are shown; may change. */
  preferences?:
    | { readonly current: { showEnded: boolean }; readonly changed: ISignal<unknown, unknown> }
    | null
    | undefined;
}

export interface PanelContext {
  alongside: Pick<IAlongside, 'store'> & {
    service: Pick<IAlongside['service'], 'catalogue'>;
  };
  actions: Actions;
  trans: Trans;
  options: PanelOptions;
}
