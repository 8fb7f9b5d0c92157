/** What all parts of the panel are given. */
import type { ISignal } from '@lumino/signaling';

import type { Actions } from '../components/actions';
import type { Backend } from '../model';
import type { Relaunches } from '../relaunch/relaunches';
import type { RunActions } from '../runs/actions';
import type { ScheduleActions } from '../schedules/actions';
import type { IAlongside } from '../tokens';
import type { Trans } from '../words';
import type { PendingStops } from './stops';

/** What the panel is told by other plugins; without it, it shows less. */
export interface PanelOptions {
  /** Open the Launch dialog. */
  launch: () => void;
  /** Choose a notebook, and ask how it is to be run. */
  run?: (() => void) | undefined;
  /** What can be done with runs; without it, there are none to see. */
  runs?: RunActions | undefined;
  /** What can be done with schedules; without it, there are none to see. */
  schedules?: ScheduleActions | undefined;
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
  /** Changes of size that are under way in kernels. */
  relaunches?: Pick<Relaunches, 'of' | 'changed'> | null | undefined;
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
