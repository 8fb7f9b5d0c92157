/** What a card is given. Panel and widget give the same; see `BackendCard`. */
import type { Kind } from '../kinds';
import type { Backend, Sample } from '../model';
import type { Progress } from '../relaunch/progress';
import type { Trans } from '../words';
import type { Actions } from './actions';

/** Cards are memoised: what hasn't changed must be the same object as before. */
export interface BackendCardProps {
  backend: Backend;
  /** What its kind is called. */
  kind: Kind;
  /** Samples of what it uses, oldest first. */
  history: readonly Sample[];
  actions: Actions;
  trans: Trans;
  /** Who looks at it; '' where that isn't known: then it counts as their own. */
  user: string;
  /** Name of the session that it is looked at from: '' is the default one, null is none. */
  session: string | null;
  /** The groups of who looks at it; absent: not known. */
  groups?: readonly string[];
  /** Whether who looks at it may end everybody's. */
  admin?: boolean;
  /** In the panel all there is; in a notebook's output a smaller one with a stepper. */
  density?: 'panel' | 'widget';
  /** Whether the current notebook's kernel is connected to it. */
  attached?: boolean;
  /** A change is on its way: nothing else can be asked for until it is answered. */
  busy?: boolean;
  /** Why nothing can be asked for now, for instance because the service doesn't answer. */
  blocked?: string;
  /** When a stop that can still be undone is sent: milliseconds since 1970. */
  stopsAt?: number | undefined;
  /** How far a change of size is that starts it again, or how that failed. */
  relaunch?: Progress | undefined;
  /** A time to show instead of the present: milliseconds since 1970. */
  now?: number;
}
